// Looks at the profiler in Chromium as a person would, and prints what it saw, as
// one JSON object, for browser_test.go to judge. It reads from the environment:
//   CHROMIUM  the browser's executable
//   BASE      the address of the server
//   SCREENS   if it shall look at other screens, too
//   SHOTS     a folder for pictures of the pages, if anybody wants some
import { chromium } from 'playwright-core';

const { CHROMIUM, BASE, SCREENS, SHOTS } = process.env;
const seen = { requests: [], problems: [], contrast: [], nameless: [], wide: [] };

const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
  ],
});
try {
  const page = await open({ viewport: { width: 1360, height: 850 } });
  await page.goto(`${BASE}/debug/requests`);
  seen.empty = await page.locator('.empty').innerText();

  // What is asked shows up by itself, the latest first.
  await ask('/graphql', 'query Desk { availableAppointments(first: 20) { edges { node { timeSlot provider { lastName } } } } clients(first: 5) { edges { node { reservations(first: 3) { edges { node { state } } } } } } }');
  await page.locator('tr', { hasText: 'Desk' }).waitFor();
  await ask('/naive', 'query Naive { clients { id reservations } }');
  await ask('/graphql', 'mutation Register { clientCreate(input: {firstName: "Ada", lastName: "<b id=evil>Nowak</b>"}) { client { id lastName } } }');
  await ask('/graphql', '{ nope }');
  await page.locator('tr', { hasText: 'GRAPHQL_VALIDATION_FAILED' }).waitFor();
  seen.rows = await page.locator('tbody tr').allInnerTexts();
  await look(page, 'list');

  // Paused, it stands still; a name can be found meanwhile.
  await page.getByRole('button', { name: 'Live' }).click();
  await ask('/graphql', 'query Meanwhile { clients { totalCount } }');
  await page.waitForTimeout(1500);
  seen.paused = await page.locator('tr', { hasText: 'Meanwhile' }).count();
  await page.getByRole('button', { name: 'Paused' }).click();
  await page.locator('tr', { hasText: 'Meanwhile' }).waitFor();
  await page.getByRole('link', { name: /^N\+1/ }).click();
  await page.getByRole('searchbox', { name: 'Find' }).fill('naive');
  await page.keyboard.press('Enter');
  await page.waitForURL(/q=naive/);
  seen.found = await page.locator('tbody tr').allInnerTexts();

  // By the keyboard alone: to the operation, to the statement, to its plan.
  await tabTo(page, 'tbody a');
  await page.keyboard.press('Enter');
  await page.waitForURL(/requests\/\d+$/);
  seen.tree = await page.locator('.tree').innerText();
  await tabTo(page, '.statement:has(.times) > summary');
  await page.keyboard.press('Enter');
  await tabTo(page, '.statement[open] .explain button');
  await page.keyboard.press('Enter');
  seen.plan = await page.locator('.statement[open] .plan').innerText();
  await look(page, 'naive');
  const naive = page.url();

  await page.goto(`${BASE}/debug/requests?q=register`);
  await page.locator('tbody a').click();
  await page.locator('.statement:not(.frames)', { hasText: 'SELECT clients' }).locator('summary').click();
  seen.sql = await page.locator('.statement[open] .sql-text').innerText();
  seen.evil = await page.locator('#evil').count();
  await look(page, 'register');

  await page.getByRole('link', { name: 'Runtime' }).click();
  await look(page, 'runtime');
  await page.getByRole('link', { name: 'Operations' }).click();
  await page.getByRole('button', { name: 'Clear' }).click();
  seen.cleared = await page.locator('.empty').innerText();

  await ask('/naive', 'query Naive { clients { id reservations } }');
  await ask('/graphql', 'query WithAVeryLongNameThatWouldNotFitOnTheSmallestOfAllScreens { clients { totalCount } nodes(ids: ["x"]) { id } }');
  for (const [name, options] of Object.entries(!SCREENS ? {} : {
    dark: { colorScheme: 'dark', viewport: { width: 1360, height: 850 } },
    phone: { viewport: { width: 360, height: 780 } },
    tablet: { viewport: { width: 820, height: 1000 }, colorScheme: 'dark' },
    scriptless: { javaScriptEnabled: false, viewport: { width: 1100, height: 850 } },
  })) {
    const other = await open(options);
    await other.goto(`${BASE}/debug/requests`);
    await other.locator('tr', { hasText: 'Naive' }).waitFor();
    await look(other, `${name}-list`);
    await other.locator('tr', { hasText: 'Naive' }).locator('a').click();
    await other.locator('.statement:has(.times) > summary').click();
    await look(other, `${name}-naive`);
    if (name === 'scriptless') {
      await other.locator('.statement[open] .explain button').click();
      seen.scriptless = await other.locator('pre').innerText();
    }
    await other.context().close();
  }
  await page.goto(naive.replace(/\d+$/, '4711'));
  seen.gone = await page.locator('.empty').innerText();
  // The browser says that an answer is 404, as it should be.
  seen.problems = seen.problems.filter(problem => !problem.includes('404'));
} finally {
  await browser.close();
}
console.log(JSON.stringify(seen));

async function open(options) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(30_000);
  context.on('request', request => seen.requests.push(request.url()));
  context.on('weberror', error => seen.problems.push(String(error.error())));
  context.on('console', message => {
    // A refused Content-Security-Policy request is such an error, too.
    if (message.type() === 'error') seen.problems.push(message.text());
  });
  return context.newPage();
}

async function ask(path, query) {
  const answer = await fetch(BASE + path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ query }) });
  await answer.text();
}

// tabTo goes to an element as somebody without a mouse does.
async function tabTo(page, selector) {
  for (let i = 0; i < 80; i++) {
    if (await page.evaluate(s => document.activeElement?.matches(s), selector)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`no way to ${selector} by the keyboard`);
}

// look notes what somebody could not read, find or reach on the page.
async function look(page, name) {
  if (SHOTS) await page.screenshot({ path: `${SHOTS}/${name}.png`, fullPage: true });
  if (name.startsWith('scriptless')) return;
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (wide > 0) seen.wide.push(`${name}: ${wide}px`);
  await page.waitForFunction(() => document.getAnimations().every(a => a.animationName !== 'arrive'));
  const found = await page.evaluate(() => {
    const nameless = [...document.querySelectorAll('a, button, input:not([type=hidden]), select, summary')]
      .filter(e => !(e.textContent || e.ariaLabel || e.labels?.[0]?.textContent || '').trim()).map(e => e.outerHTML.slice(0, 100));
    const canvas = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d', { willReadFrequently: true });
    const pixel = colors => {
      canvas.clearRect(0, 0, 1, 1);
      for (const color of colors) {
        canvas.fillStyle = color;
        canvas.fillRect(0, 0, 1, 1);
      }
      return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const luminance = rgb => rgb.map(v => v / 255).map(v => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const pale = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const e = texts.currentNode.parentElement;
      if (!texts.currentNode.data.trim() || !e.checkVisibility() || e.closest('noscript, option, .skip')) continue;
      const grounds = [];
      for (let a = e; a; a = a.parentElement) grounds.unshift(getComputedStyle(a).backgroundColor);
      const ground = pixel(['Canvas', ...grounds]), ink = pixel(['Canvas', ...grounds, getComputedStyle(e).color]);
      const [dark, light] = [luminance(ground), luminance(ink)].sort((a, b) => a - b);
      const ratio = (light + 0.05) / (dark + 0.05); // WCAG 2.2, 1.4.3
      if (ratio < 4.5) pale.push(`${ratio.toFixed(2)}: ${texts.currentNode.data.trim().slice(0, 40)} (${e.className || e.tagName})`);
    }
    return { nameless, pale };
  });
  seen.nameless.push(...found.nameless.map(e => `${name}: ${e}`));
  seen.contrast.push(...new Set(found.pale.map(e => `${name}: ${e}`)));
}
