// Playwright's arms of the browser_sessions benchmark: a context and a page for each session, all in one browser. Reads one JSON command a
// line, answers one JSON line each.
//
//   documented: what the documentation shows: locator.click, waitForURL after a click that navigates, page.screenshot,
//               locator.ariaSnapshot; Playwright's own launch flags.
//   own-script: the server's launch flags, mouse.click, two frames, fast PNG through a CDP session, and the server's page script instead of
//               the accessibility tree, side by side with the picture.
const fs = require('node:fs');
const path = require('node:path');
const readline = require('node:readline');
const {chromium} = require('playwright-core');

const config = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const documented = config.variant === 'documented';
const viewport = {width: 1280, height: 720};
const twoFrames = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(0))));
// The walk that every arm takes: into a product, two of its tabs, back. `navigates`: the click loads another page.
const walk = [
  {selector: '.cards a', navigates: true},
  {selector: '[role=tab]:nth-child(2)'},
  {selector: '[role=tab]:nth-child(3)'},
  {selector: 'a.brand', navigates: true},
];

let browser;
let sessions = [];

class Session {
  async open(url) {
    this.context = await browser.newContext({viewport});
    if (!documented) await this.context.addInitScript({content: config.pageScript});
    this.page = await this.context.newPage();
    if (!documented) this.cdp = await this.context.newCDPSession(this.page);
    await this.page.goto(url);
    this.at = 0;
    await this.look();
  }

  async look() {
    const [picture, structure] = documented ?
        [await this.page.screenshot(), await this.page.locator('body').ariaSnapshot()] :
        await Promise.all([
          this.cdp.send('Page.captureScreenshot', {format: 'png', optimizeForSpeed: true, captureBeyondViewport: false}),
          this.page.evaluate(() => proctorPage.observe(3, 4194304))]);
    if (picture.length === 0 || structure.length === 0) throw new Error('nothing was seen');
  }

  async step() {
    const {selector, navigates} = walk[this.at++ % walk.length];
    if (documented) {
      const before = this.page.url();
      await this.page.locator(selector).first().click();
      if (navigates) await this.page.waitForURL((url) => url.href !== before);
    } else {
      const box = await this.page.locator(selector).first().boundingBox();
      const loaded = navigates ? this.page.waitForEvent('load') : null;
      await this.page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
      await loaded;
      await this.page.evaluate(twoFrames);
    }
    await this.look();
  }

  async reset(url) {
    const old = this.context;
    await this.open(url);
    await old.close();
  }
}

// All sessions at once, each one call after another, for so long; what each call took.
async function repeat(seconds, work) {
  const times = [];
  const begin = performance.now();
  await Promise.all(sessions.map(async (session) => {
    while (performance.now() - begin < 1000 * seconds) {
      const start = performance.now();
      await work(session);
      times.push(performance.now() - start);
    }
  }));
  return {seconds: (performance.now() - begin) / 1000, ms: times};
}

const commands = {
  async open({count, url}) {
    sessions = Array.from({length: count}, () => new Session());
    const start = performance.now();
    await Promise.all(sessions.map((session) => session.open(url)));
    return {seconds: (performance.now() - start) / 1000};
  },
  steps: ({seconds}) => repeat(seconds, (session) => session.step()),
  resets: ({seconds, url}) => repeat(seconds, (session) => session.reset(url)),
  async rested({count, rest, url}) {
    const ms = [];
    for (let i = 0; i < count; ++i) {
      await new Promise((done) => setTimeout(done, 1000 * rest));
      const old = sessions[0].context;
      const start = performance.now();
      await sessions[0].open(url);
      ms.push(performance.now() - start);
      await old.close();
    }
    return {ms};
  },
};

async function main() {
  const own = documented ? {args: ['--no-sandbox']} : {ignoreDefaultArgs: true, args: config.flags};
  if (!documented) {
    const profile = fs.mkdtempSync(path.join(path.dirname(process.argv[2]), 'profile-'));
    own.args.push('--user-data-dir=' + profile, '--no-startup-window');
  }
  browser = await chromium.launch({executablePath: config.executable, headless: true, ...own});
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
