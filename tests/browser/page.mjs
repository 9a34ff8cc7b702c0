// Looks at each page of TITAN_PAGES as people do. Every check says what it wanted; the first that
// fails ends it with status 1.
import { createRequire } from 'node:module';
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';

const pages = process.env.TITAN_PAGES;
const require = createRequire(join(process.env.TITAN_NPM, 'package.json'));
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf-8');
const verdicts = {
  release: 'proven',
  policy: 'proven',
  rolled_back: 'proven',
  violated: 'violated',
  open: 'undecidable',
  hostile: 'violated',
  many: 'proven',
  damaged: 'damaged',
};
const quiet = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-default-apps',
  '--no-first-run',
  '--disable-domain-reliability',
  '--disable-client-side-phishing-detection',
  '--metrics-recording-only',
  '--no-pings',
  '--proxy-server=127.0.0.1:9',
];

function check(good, words) {
  if (!good) throw new Error(words);
}

// A page that may load nothing but itself. What it asked for and what it complained of is
// collected.
async function open(browser, name, options = {}) {
  const context = await browser.newContext({
    viewport: { width: options.width ?? 1280, height: 900 },
    colorScheme: options.scheme ?? 'light',
    javaScriptEnabled: options.script ?? true,
  });
  const page = await context.newPage();
  const own = pathToFileURL(join(pages, `${name}.html`)).href,
    asked = [],
    complaints = [];
  await context.route('**/*', (route) => {
    const url = route.request().url();
    if (url.split('#')[0] === own) return route.continue();
    asked.push(url);
    return route.abort();
  });
  page.on('request', (request) => {
    if (request.url().split('#')[0] !== own && !request.url().startsWith('data:'))
      asked.push(request.url());
  });
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog ${dialog.message()}`);
    return dialog.dismiss();
  });
  page.setDefaultTimeout(15000);
  await page.goto(own);
  return { page, asked, complaints, close: () => context.close() };
}

function checkSilent(opened, name) {
  check(opened.asked.length === 0, `${name}: the page asked for ${opened.asked.join(' ')}`);
  check(
    opened.complaints.length === 0,
    `${name}: the console says ${opened.complaints.join('; ')}`,
  );
}

async function violations(page) {
  await page.evaluate(axe);
  const result = await page.evaluate(() =>
    globalThis.axe.run(document, { resultTypes: ['violations'] }),
  );
  return result.violations.map(
    (found) =>
      `${found.id} (${found.help}): ${found.nodes
        .slice(0, 3)
        .map((node) => `${node.target} ${node.any[0]?.message ?? ''}`)
        .join(', ')}`,
  );
}

async function unfold(page) {
  await page.evaluate(() =>
    document.querySelectorAll('details').forEach((details) => {
      details.open = true;
    }),
  );
}

// As it is opened, and with everything unfolded.
async function checkLook(browser, name, scheme, width) {
  const opened = await open(browser, name, { scheme, width });
  const { page } = opened,
    where = `${name}, ${scheme}, ${width}`;
  const fits = () => page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth);
  await page.screenshot({ path: join(pages, `${name}-${scheme}-${width}.png`), fullPage: true });
  check(await fits(), `${where}: the page is wider than the screen`);
  if (name === 'rolled_back') {
    await unfold(page);
    const scrolls = await page.evaluate(() =>
      [...document.querySelectorAll('.scroll')].map((box) => ({
        name: box.getAttribute('aria-label'),
        wide: box.scrollWidth > box.clientWidth,
        said: getComputedStyle(box, '::before').content.includes('scroll sideways'),
        cut: [...box.querySelectorAll('caption')].some(
          (caption) => caption.getBoundingClientRect().right > window.innerWidth,
        ),
      })),
    );
    for (const box of scrolls)
      check(
        box.wide === box.said && !box.cut,
        `${where}: ${box.name}: wide ${box.wide}, said ${box.said}, caption cut ${box.cut}`,
      );
    check(await fits(), `${where}, unfolded: the page is wider than the screen`);
  }
  const found = await violations(page);
  check(found.length === 0, `${where}: axe finds ${found.join('; ')}`);
  checkSilent(opened, where);
  await opened.close();
}

async function checkPaper(browser, name) {
  const opened = await open(browser, name, { width: 794 });
  await opened.page.emulateMedia({ media: 'print' });
  await opened.page.screenshot({ path: join(pages, `${name}-print.png`), fullPage: true });
  const found = await violations(opened.page);
  check(found.length === 0, `${name}, on paper: axe finds ${found.join('; ')}`);
  check(
    await opened.page
      .locator('.words table')
      .first()
      .evaluate((table) => table.getBoundingClientRect().height > 0),
    `${name}: the time line in words is not on paper`,
  );
  writeFileSync(join(pages, `${name}.pdf`), await opened.page.pdf({ format: 'A4' }));
  checkSilent(opened, `${name}, on paper`);
  await opened.close();
}

// What the page is made of: nothing that runs, loads or leaves.
async function checkMade(browser, name) {
  const opened = await open(browser, name);
  const { page } = opened;
  const made = await page.evaluate(() => ({
    verdict: document.querySelector('h1 .badge').textContent,
    first: document.querySelector('header').getBoundingClientRect().top < 200,
    lang: document.documentElement.lang,
    active: document.querySelectorAll(
      'script,img,iframe,object,embed,form,input,button,base,video,audio,foreignObject,use,' +
        'image,style:not(head style),link:not([href="data:,"])',
    ).length,
    handlers: [...document.querySelectorAll('*')].filter((element) =>
      [...element.attributes].some((attribute) => /^on/i.test(attribute.name)),
    ).length,
    links: [...document.querySelectorAll('a')]
      .map((link) => link.getAttribute('href'))
      .filter((href) => !/^#[a-z-]+[0-9]*$/.test(href) || !document.getElementById(href.slice(1))),
    policy: document.querySelector('meta[http-equiv="Content-Security-Policy"]').content,
    claims: document.querySelectorAll('.claim').length,
    badges: document.querySelectorAll('.claim .badge').length,
    rests: [...document.querySelectorAll('.claim')].every(
      (claim) =>
        claim.querySelector('.rests a') ||
        !claim.querySelector('.badge').textContent.includes('proven'),
    ),
  }));
  check(
    made.verdict === verdicts[name] && made.first,
    `${name}: the verdict at the top is ${made.verdict}`,
  );
  check(made.lang === 'en', `${name}: no language`);
  check(
    made.active === 0 && made.handlers === 0,
    `${name}: ${made.active} active elements, ${made.handlers} handlers`,
  );
  check(made.links.length === 0, `${name}: links to nowhere: ${made.links.join(' ')}`);
  check(
    made.policy.startsWith("default-src 'none'; style-src 'unsafe-inline'; img-src data:"),
    `${name}: policy ${made.policy}`,
  );
  check(
    made.claims === made.badges && made.rests && (name === 'damaged' || made.claims % 9 === 0),
    `${name}: ${made.claims} claims, ${made.badges} verdicts, or one that rests on nothing`,
  );
  await opened.close();
}

async function checkWithoutScript(browser) {
  const opened = await open(browser, 'release', { script: false });
  check(
    (await opened.page.locator('h1').textContent()) === 'titan-test: proven, completed',
    'without script: no verdict',
  );
  await opened.page.locator('summary', { hasText: 'in words' }).click();
  check(
    await opened.page.locator('.words table').isVisible(),
    'without script: the words do not unfold',
  );
  checkSilent(opened, 'without script');
  await opened.close();
}

// Tab reaches links and folds; Enter follows and unfolds.
async function checkKeyboard(browser) {
  const opened = await open(browser, 'rolled_back');
  const { page } = opened;
  const focused = () =>
    page.evaluate(() => {
      const element = document.activeElement;
      return `${element.tagName} ${element.textContent.trim().slice(0, 40)}`;
    });
  await page.keyboard.press('Tab');
  check(
    (await focused()).startsWith('A To the report'),
    `keyboard: the first stop is ${await focused()}`,
  );
  const stops = [];
  for (let i = 0; i < 400 && !stops.some((stop) => stop.startsWith('SUMMARY entry')); i++) {
    await page.keyboard.press('Tab');
    stops.push(await focused());
  }
  for (const wanted of [
    'A What is not proven',
    'A entry ', // to what a finding rests on
    'DIV',
    'SUMMARY The time line in words',
    'SUMMARY entry 0',
  ])
    check(
      stops.some((stop) => stop.startsWith(wanted)),
      `keyboard: ${wanted} is not reached`,
    );
  await page.keyboard.press('Enter');
  check(
    await page.evaluate(() => document.activeElement.parentElement.open),
    'keyboard: Enter does not unfold an entry',
  );
  const link = page.locator('.claim a', { hasText: /^entry \d+$/ }).last();
  const entry = (await link.textContent()).trim().replace(' ', '-');
  await link.focus();
  await page.keyboard.press('Enter');
  const landed = await page.evaluate((entry) => {
    const target = document.querySelector(':target'),
      box = target?.getBoundingClientRect();
    return (
      target?.id === entry &&
      target.closest('details').open &&
      box.bottom > 0 &&
      box.top < window.innerHeight
    );
  }, entry);
  check(landed, "keyboard: a claim's link does not lead to its entry, unfolded and in sight");
  checkSilent(opened, 'keyboard');
  await opened.close();
}

// The picture says what happened, in marks that can be counted, and in words.
async function checkPicture(browser) {
  const seen = {};
  for (const name of ['release', 'rolled_back', 'violated', 'policy']) {
    const opened = await open(browser, name);
    seen[name] = await opened.page.evaluate(() => {
      const svg = document.querySelector('.picture'),
        count = (mark) => svg.querySelectorAll(mark).length;
      return {
        good: count('.good-mark'),
        bad: count('.bad-mark'),
        window: count('.window'),
        edges: count('.edge'),
        span: count('.span'),
        intents: count('.ask-mark'),
        title: svg.querySelector('title').textContent,
        says: svg.querySelector('desc').textContent,
        labels: svg.textContent,
        words: document.querySelector('.words').textContent,
        tags: [...document.querySelectorAll('.tag')].map((tag) => tag.textContent),
        columns: [...document.querySelectorAll('table.wide')[0].querySelectorAll('thead th')].map(
          (cell) => cell.textContent,
        ),
      };
    });
    await opened.close();
  }
  const { release, rolled_back: back, violated, policy } = seen;
  check(
    release.good >= 61 * 3 + 10 && release.bad === 0 && release.window === 1 && release.span === 0,
    `release: the picture has ${release.good} good and ${release.bad} bad marks`,
  );
  check(
    release.labels.includes('4 h 0 min') && release.intents >= 10,
    'release: the wait of four hours, or the intents, are not in the picture',
  );
  check(
    back.bad >= 4 &&
      back.span === 1 &&
      back.edges === 2 &&
      back.labels.includes('rollback, limit: 5 min 0 s'),
    `rolled_back: ${back.bad} bad marks, ${back.edges} limits`,
  );
  check(
    /restored what ran before in \d/.test(back.says) &&
      /brain is not good \(status 503\)/.test(back.words),
    `rolled_back: the words are ${back.says}`,
  );
  check(
    violated.bad === 1 &&
      violated.words.includes('policy hash is unequal') &&
      violated.tags.includes('unequal'),
    `violated: ${violated.bad} bad marks`,
  );
  check(
    policy.labels.includes('another boot') && policy.words.includes('found unknown, then repeat'),
    'policy: the reboot is not in the picture',
  );
  check(
    back.columns[1].startsWith('Before') &&
      back.columns[2].startsWith('After') &&
      back.columns[3].startsWith('Restored'),
    `the columns are ${back.columns}`,
  );
  check(
    back.tags.includes('changed') && back.tags.includes('as before'),
    'rolled_back: nothing is compared',
  );
}

async function checkPlanted(browser) {
  const opened = await open(browser, 'hostile');
  const { page } = opened;
  await unfold(page);
  await page.evaluate(() =>
    document.querySelectorAll('*').forEach((element) => {
      element.dispatchEvent(new Event('focus'));
      element.dispatchEvent(new Event('error'));
      element.dispatchEvent(new Event('load'));
    }),
  );
  for (const link of await page.locator('.claim a').all()) await link.click();
  const found = await page.evaluate(() => ({
    planted: window.planted,
    text: document.body.textContent,
    html: document.documentElement.outerHTML,
    places: document.body.textContent.split('window.planted=1').length - 1,
  }));
  check(found.planted === undefined, `hostile: what was planted ran (${found.planted})`);
  check(
    found.places > 30 &&
      found.text.includes(
        '<script>window.planted=1</script><img src=x onerror="window.planted=2">',
      ),
    `hostile: it stands as text in ${found.places} places`,
  );
  check(
    found.text.includes('\\x1b[31mred') &&
      !/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/.test(found.html),
    'hostile: a control character is on the page',
  );
  checkSilent(opened, 'hostile');
  await opened.close();
}

async function checkBounds(browser) {
  const opened = await open(browser, 'many');
  const many = await opened.page.evaluate(() => ({
    entries: document.querySelectorAll('.entry').length,
    says: document.querySelector('#entries').parentElement.textContent,
    sections: document.querySelectorAll('.picture').length,
  }));
  const all = Number(/600 of (\d+) entries/.exec(many.says)?.[1]);
  check(
    many.entries === 600 &&
      many.sections === 9 &&
      all > 700 &&
      many.says.includes(`${all - 600} are left out`),
    `many: ${many.entries} entries, ${many.sections} pictures`,
  );
  await opened.close();
}

// The net itself: a page that does what ours must not is caught.
async function checkNet(browser) {
  const bad = readFileSync(join(pages, 'release.html'), 'utf-8')
    .replace(/<meta http-equiv[^>]*>/, '')
    .replace(
      '<main id="main">',
      '<main id="main"><img src="http://127.0.0.1:9/x.png">' +
        '<p style="color:#ccc;background:#fff">pale</p><script>console.error("seen")</script>',
    );
  writeFileSync(join(pages, 'bad.html'), bad);
  const opened = await open(browser, 'bad');
  const found = await violations(opened.page);
  check(
    opened.asked.some((url) => url.includes('x.png')),
    'the net does not see a request',
  );
  check(
    opened.complaints.some((text) => text.includes('seen')),
    'the net does not see the console',
  );
  check(
    found.some((text) => text.startsWith('color-contrast')) &&
      found.some((text) => text.startsWith('image-alt')),
    `axe sees only ${found}`,
  );
  await opened.close();
}

async function checkMadeAll(browser) {
  for (const name of Object.keys(verdicts)) await checkMade(browser, name);
}

async function checkLooks(browser) {
  for (const scheme of ['light', 'dark'])
    for (const width of [1280, 360]) await checkLook(browser, 'rolled_back', scheme, width);
  for (const look of [
    ['violated', 'light', 360],
    ['violated', 'dark', 1280],
    ['open', 'light', 1280],
    ['open', 'dark', 360],
    ['hostile', 'light', 360],
    ['damaged', 'dark', 360],
  ])
    await checkLook(browser, ...look);
  await checkPaper(browser, 'rolled_back');
}

const browser = await chromium.launch({
  executablePath: process.env.TITAN_CHROMIUM,
  headless: true,
  args: quiet,
});
let status = 0;
try {
  for (const part of [
    checkNet,
    checkMadeAll,
    checkWithoutScript,
    checkKeyboard,
    checkPicture,
    checkPlanted,
    checkBounds,
    checkLooks,
  ]) {
    const begun = Date.now();
    await part(browser);
    console.log(`${part.name}: ${((Date.now() - begun) / 1000).toFixed(1)} s`);
  }
  console.log('every page is as it must be');
} catch (error) {
  console.log(`failed: ${error.message}`);
  status = 1;
}
await browser.close();
process.exit(status);
