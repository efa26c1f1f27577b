// Drives the page in Chromium as a person would and prints what it saw, as one
// JSON object, for browser_test.go to judge. It reads from the environment:
//   CHROMIUM  the browser's executable
//   PAGE      the address of the page
//   LINK      the same with ?query=, ?variables= and ?operationName=
import { chromium } from 'playwright-core';

const { CHROMIUM, PAGE, LINK } = process.env;
const seen = { requests: [], problems: [] };

const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    // Whatever escapes the lists below finds no name to resolve.
    '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
  ],
});
try {
  seen.page = await visit(PAGE, async page => {
    await page.getByLabel('Show Documentation Explorer').click();
    const docs = await text(page, '.graphiql-doc-explorer', 'Query');
    await page.getByRole('button', { name: 'Headers' }).click();
    await page.locator('.graphiql-editor-tool .graphiql-editor:not(.hidden) .view-lines').click();
    await page.keyboard.insertText('{"Authorization": "Bearer pasted"}');
    await page.getByLabel('Execute query').click();
    return { docs };
  });
  seen.link = await visit(LINK, async page => {
    // The page has put the cursor on the operation that the link names.
    await page.locator('.graphiql-query-editor .monaco-editor.focused').waitFor();
    await page.keyboard.press('Control+Enter');
  });
} finally {
  await browser.close();
}
console.log(JSON.stringify(seen));

// visit opens url as a new user, lets act do something that ends in a request,
// and waits for the answer.
async function visit(url, act) {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
  context.setDefaultTimeout(30_000);
  context.on('request', request => seen.requests.push(request.url()));
  context.on('weberror', error => seen.problems.push(String(error.error())));
  context.on('console', message => {
    // A refused Content-Security-Policy request is such an error, too.
    if (message.type() === 'error') seen.problems.push(message.text());
  });
  const page = await context.newPage();
  await page.goto(url);
  const editor = await text(page, '.graphiql-query-editor', 'availableAppointments');
  const acted = await act(page);
  await text(page, '.result-window', 'Lovelace');
  const misspelled = await page.locator('.graphiql-query-editor .squiggly-error').count();
  const title = await page.title();
  await context.close();
  return { title, editor, misspelled, ...acted };
}

// text waits until the element has the wanted text, and answers all it has.
// Monaco draws its spaces as no-break spaces.
async function text(page, selector, wanted) {
  const element = page.locator(selector).filter({ hasText: wanted });
  return (await element.innerText()).replaceAll('\u00a0', ' ');
}
