import 'graphiql/setup-workers/vite';

import { GraphiQL } from 'graphiql';
import { pick, useGraphiQL } from '@graphiql/react';
import { useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';

import defaultQuery from './default.graphql?raw';
import { fetcher } from './fetcher.js';

// Not graphiql/style.css: that one is for CDNs and carries Monaco's styles a
// second time and 400 KB of fonts. style.css here names the system's fonts.
import '@graphiql/react/style.css';
import '@graphiql/plugin-doc-explorer/style.css';
import '@graphiql/plugin-history/style.css';
import 'graphiql/graphiql.css';
import './style.css';

const params = new URLSearchParams(location.search);

// SelectOperation puts the cursor on ?operationName=, once, so that Ctrl-Enter
// runs it. GraphiQL's prop of that name would force it on every later request,
// from other tabs too.
function SelectOperation({ name }) {
  const [done, setDone] = useState(!name);
  const { queryEditor, operations } = useGraphiQL(pick('queryEditor', 'operations'));
  useEffect(() => {
    const operation = operations?.find(each => each.name?.value === name);
    if (done || !queryEditor || !operation) return;
    const position = queryEditor.getModel().getPositionAt(operation.loc.start);
    queryEditor.setPosition(position);
    queryEditor.revealPositionInCenter(position);
    queryEditor.focus();
    setDone(true);
  }, [done, name, operations, queryEditor]);
  return null;
}

// Headers are where a token goes: they never come from the URL, and
// shouldPersistHeaders keeps them out of the browser's storage.
createRoot(document.getElementById('graphiql')).render(
  <GraphiQL
    fetcher={fetcher}
    defaultQuery={defaultQuery}
    initialQuery={params.get('query')}
    initialVariables={params.get('variables')}
    shouldPersistHeaders={false}
  >
    <GraphiQL.Logo>docket</GraphiQL.Logo>
    <SelectOperation name={params.get('operationName')} />
  </GraphiQL>,
);
