// Playwright's arms of the web_step benchmark. Reads one JSON command a line, answers one JSON line each.
//
//   documented: what the documentation shows: locator.click, waitForURL after a click that navigates, page.screenshot,
//               locator.ariaSnapshot; Playwright's own launch flags.
//   tuned:      the server's launch flags, mouse.click, two frames, fast PNG and accessibility tree through a CDP session.
//   own-script: as tuned, but with the server's page script instead of the accessibility tree, side by side with the picture.
const fs = require('node:fs');
const readline = require('node:readline');
const {chromium} = require('playwright-core');

const config = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const viewport = {width: 1280, height: 720};
const twoFrames = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(0))));

let browser, context, page, cdp;

async function newPage() {
  context = await browser.newContext({viewport});
  if (config.variant === 'own-script') await context.addInitScript({content: config.pageScript});
  page = await context.newPage();
  if (config.variant !== 'documented') cdp = await context.newCDPSession(page);
}

async function look() {
  if (config.variant === 'documented') {
    const png = await page.screenshot();
    const tree = await page.locator('body').ariaSnapshot();
    return {png, structure: tree.length};
  }
  const shot = () => cdp.send('Page.captureScreenshot', {format: 'png', optimizeForSpeed: true, captureBeyondViewport: false});
  if (config.variant === 'tuned') {
    const picture = await shot();
    const tree = await cdp.send('Accessibility.getFullAXTree');
    return {png: Buffer.from(picture.data, 'base64'), structure: tree.nodes.length};
  }
  const [picture, text] = await Promise.all([shot(), page.evaluate(() => proctorPage.observe(3, 4194304))]);
  return {png: Buffer.from(picture.data, 'base64'), structure: JSON.parse(text).a.length};
}

async function click(navigates) {
  if (config.variant === 'documented') {
    const before = page.url();
    await page.locator('#go').click();
    if (navigates) await page.waitForURL((url) => url.href !== before);
    return;
  }
  const loaded = navigates ? page.waitForEvent('load') : null;
  await page.mouse.click(config.x, config.y);
  await loaded;
  await page.evaluate(twoFrames);
}

async function timed(work) {
  const start = performance.now();
  let loaded = start;
  const seen = await work(() => (loaded = performance.now()));
  return {loaded: loaded - start, ms: performance.now() - start, png: seen.png.toString('base64'), structure: seen.structure};
}

const commands = {
  async open({url}) {
    await page.goto(url);
    return {ms: 0};
  },
  async step({navigates}) {
    return timed(async () => {
      await click(navigates);
      return look();
    });
  },
  async reset({url}) {
    const old = context;
    const answer = await timed(async (loaded) => {
      await newPage();
      await page.goto(url);
      loaded();
      return look();
    });
    await old.close();
    return answer;
  },
};

async function main() {
  const own = config.variant === 'documented' ? {args: ['--no-sandbox']} : {ignoreDefaultArgs: true, args: config.flags};
  if (own.ignoreDefaultArgs) {
    own.args = own.args.filter((flag) => !flag.startsWith('--user-data-dir') && flag !== 'about:blank');
    const profile = fs.mkdtempSync(require('node:path').join(require('node:path').dirname(process.argv[2]), 'pw-'));
    own.args.push('--user-data-dir=' + profile, '--no-startup-window');
  }
  browser = await chromium.launch({executablePath: config.executable, headless: true, ...own});
  await newPage();
  console.log(JSON.stringify({ready: true}));
  for await (const line of readline.createInterface({input: process.stdin})) {
    try {
      const command = JSON.parse(line);
      console.log(JSON.stringify(await commands[command.do](command)));
    } catch (error) {
      console.log(JSON.stringify({error: String(error)}));
    }
  }
  await browser.close();
}

main().catch((error) => {
  console.log(JSON.stringify({error: String(error)}));
  process.exit(1);
});
