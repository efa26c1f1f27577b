// The pages work without this, but for the list's updates.
'use strict';

for (const link of document.querySelectorAll('.top nav a')) {
  if (location.pathname.startsWith(link.getAttribute('href').replace(/\/$/, ''))) link.setAttribute('aria-current', 'page');
}

const operations = document.getElementById('operations');
if (operations) live();

// live asks every second whether there are other operations, and shows them.
function live() {
  const pause = document.getElementById('pause'), label = pause.querySelector('span');
  let version = operations.dataset.version, paused = false;
  pause.hidden = false;
  pause.addEventListener('click', () => {
    paused = !paused;
    tell(false);
    if (!paused) update();
  });
  const find = document.getElementById('find');
  find.querySelector('select').addEventListener('change', () => find.requestSubmit());
  setInterval(update, 1000);

  function tell(lost) {
    pause.setAttribute('aria-pressed', paused);
    pause.classList.toggle('lost', lost);
    label.textContent = lost ? 'Away' : paused ? 'Paused' : 'Live';
  }

  async function update() {
    if (paused || document.hidden) return;
    let page;
    try {
      const answer = await fetch(location.href, { headers: { 'If-None-Match': version }, cache: 'no-store' });
      tell(!answer.ok && answer.status !== 304);
      if (!answer.ok || paused) return;
      page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    } catch {
      tell(true);
      return;
    }
    const others = page.getElementById('operations');
    if (!others) return;
    version = others.dataset.version;
    const known = new Set([...operations.querySelectorAll('tr[data-id]')].map(row => row.dataset.id));
    for (const row of others.querySelectorAll('tr[data-id]')) row.classList.toggle('new', !known.has(row.dataset.id));
    const focused = document.activeElement && document.activeElement.id;
    operations.replaceChildren(...others.childNodes);
    for (const id of ['facts', 'filters']) document.getElementById(id).replaceChildren(...page.getElementById(id).childNodes);
    if (focused && document.activeElement === document.body) document.getElementById(focused)?.focus();
  }
}

for (const form of document.querySelectorAll('form.explain')) {
  form.addEventListener('submit', async event => {
    event.preventDefault();
    const button = form.querySelector('button');
    button.disabled = true;
    let plan;
    try {
      plan = await (await fetch(form.action, { method: 'POST' })).text();
    } catch {
      plan = 'The server does not answer.';
    }
    button.disabled = false;
    button.textContent = 'Explain again';
    let shown = form.nextElementSibling;
    if (!shown) {
      shown = Object.assign(document.createElement('pre'), { className: 'code plan', tabIndex: 0 });
      form.after(shown);
    }
    shown.textContent = plan;
  });
}
