// The page and the API share one address, whatever it is behind a proxy.
const endpoint = location.pathname;

// fetcher posts one operation. GraphiQL's own fetcher shows only a JSON syntax
// error when something before the API answers, a proxy's 502 for instance.
export async function fetcher({ query, variables, operationName }, { headers } = {}) {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json, application/json;q=0.9',
      ...headers,
    },
    body: JSON.stringify({ query, variables, operationName }),
  });
  const body = await response.text();
  try {
    return JSON.parse(body);
  } catch {
    throw new Error(`${response.status} ${response.statusText}: ${body.slice(0, 500)}`);
  }
}
