#include "env/web/settle_script.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/ids.h"

namespace proctor::env::web {
namespace {

// Timers of a chain longer than this are a page's heartbeat, not the consequence of an action.
constexpr char kScript[] = R"js((() => {
  if (Object.prototype.hasOwnProperty.call(window, '@KEY@')) return;
  const MAX_DEPTH = 3, MAX_PENDING = 1000, MAX_ROOTS = 1000;
  // Hidden frames of other sites are never drawn.
  const FRAME_MS = window.parent === window ? 250 : 50;
  const nativeSet = window.setTimeout, nativeEvery = window.setInterval, nativeClear = window.clearTimeout;
  const nativeFrame = window.requestAnimationFrame.bind(window), nativeCancel = window.cancelAnimationFrame.bind(window);
  const nativePost = MessagePort.prototype.postMessage;
  const animations = document.getAnimations.bind(document);
  const now = performance.now.bind(performance);
  const apply = Reflect.apply;
  const some = Array.prototype.some;
  const imagesOf = Object.getOwnPropertyDescriptor(Document.prototype, 'images').get;
  const shadowRootOf = Object.getOwnPropertyDescriptor(Element.prototype, 'shadowRoot').get;
  const pending = new Map();
  // Frame callbacks of the page that did not run yet.
  const drawing = new Set();
  // What could change the picture since the action began: changes of the document, timers and frame callbacks that ran,
  // images and frames that loaded.
  let happened = 0;
  const waiters = new Set();
  // How deep in a chain of timers the running task is. Reset by a task of its own, not when the callback returns: what
  // follows an `await` inside it runs in between.
  let depth = 0;
  const channel = new MessageChannel();
  channel.port1.onmessage = () => { depth = 0; };
  const done = (id) => { if (pending.delete(id)) for (const waiter of [...waiters]) waiter(); };
  // Of an interval only the first turn is the consequence of an action.
  const timer = (native, callback, delay, rest) => {
    const waited = depth < MAX_DEPTH && pending.size < MAX_PENDING;
    let turn = depth, id;
    const run = function () {
      depth = ++turn;
      ++happened;
      apply(nativePost, channel.port2, [0]);
      try { return apply(callback, this, arguments); } finally { done(id); }
    };
    id = native.call(window, run, delay, ...rest);
    if (waited) pending.set(id, {set: now(), due: now() + (+delay || 0)});
    return id;
  };
  const wrapped = {
    setTimeout(callback, delay, ...rest) {
      return typeof callback === 'function' ? timer(nativeSet, callback, delay, rest) : apply(nativeSet, window, arguments);
    },
    setInterval(callback, delay, ...rest) {
      return typeof callback === 'function' ? timer(nativeEvery, callback, delay, rest) : apply(nativeEvery, window, arguments);
    },
    clearTimeout(id) { done(id); return apply(nativeClear, window, arguments); },
    clearInterval(id) { done(id); return apply(nativeClear, window, arguments); },
    requestAnimationFrame(callback) {
      if (typeof callback !== 'function') return apply(nativeFrame, window, arguments);
      const id = nativeFrame((time) => {
        drawing.delete(id);
        ++happened;
        return callback(time);
      });
      drawing.add(id);
      return id;
    },
    cancelAnimationFrame(id) { drawing.delete(id); return nativeCancel(id); },
  };
  Object.assign(window, wrapped);
  // What a message's handler draws may change nothing else: a message counts as a frame callback that has yet to run.
  let messages = 0;
  const delivery = (seen) => nativeFrame(() => {
    ++happened;
    if (messages !== seen) { delivery(messages); return; }
    messages = 0;
    drawing.delete(channel);
  });
  MessagePort.prototype.postMessage = function postMessage() {
    if (++messages === 1) {
      drawing.add(channel);
      delivery(1);
    }
    return apply(nativePost, this, arguments);
  };
  // An image is complete before its load event runs: what it had when that was seen, or when an action began.
  const loaded = new WeakMap(), Picture = window.HTMLImageElement;
  for (const type of ['load', 'error']) {
    window.addEventListener(type, ({target}) => {
      ++happened;
      if (target instanceof Picture) loaded.set(target, target.currentSrc);
    }, true);
  }
  // Without those that wait until they are scrolled to.
  const loading = () => apply(some, apply(imagesOf, document, []), [(image) => image.loading !== 'lazy' &&
      (!image.complete || (image.currentSrc !== '' && loaded.get(image) !== image.currentSrc))]);
  const due = (from, end) => {
    let count = 0;
    for (const timer of pending.values()) if (timer.set >= from && timer.due <= end) ++count;
    return count;
  };
  const frame = () => new Promise((resolve) => { nativeFrame(resolve); nativeSet.call(window, resolve, FRAME_MS); });
  const timersDone = (from, end) => new Promise((resolve) => {
    const check = () => {
      if (due(from, end) === 0 || now() >= end) { waiters.delete(check); resolve(); }
    };
    waiters.add(check);
    nativeSet.call(window, check, Math.max(0, end - now()));
    check();
  });
  // When the last action began; a document that is younger than it has only timers that count.
  let marked = 0;
  let observer = null, changed = 0, watched = -1, roots = 0;
  // An observer does not look into shadow roots by itself.
  const watch = (root) => {
    observer.observe(root, {subtree: true, childList: true, attributes: true, characterData: true});
    for (const element of root.querySelectorAll('*')) {
      const inner = apply(shadowRootOf, element, []);
      if (inner && ++roots <= MAX_ROOTS) watch(inner);
    }
  };
  // Again after a change: it may have brought new ones.
  const watchAll = () => {
    if (!observer || watched === changed) return;
    watched = changed;
    roots = 0;
    watch(document);
  };
  // The observer stays until the next action: what happens between two questions counts as well.
  const begin = () => {
    if (observer) observer.disconnect();
    changed = happened = 0;
    watched = -1;
    observer = new MutationObserver(() => { ++changed; ++happened; });
    watchAll();
  };
  const settle = async (cap) => {
    const from = marked, until = now() + cap;
    if (!observer) begin();
    // A page that animates itself by script never rests: some frames are enough.
    const restBy = Math.min(until, now() + 500);
    let mutating = false;
    watchAll();
    do {
      await timersDone(from, until);
      watchAll();
      await frame();
      const before = changed;
      await frame();
      mutating = changed !== before;
    } while ((mutating && now() < restBy) || (due(from, until) > 0 && now() < until));
    return {timers: due(from, until), mutating, happened};
  };
  settle.mark = () => {
    marked = now();
    begin();
    // Some loaded before they came into the document, where their events are not seen.
    for (const image of apply(imagesOf, document, [])) if (image.complete) loaded.set(image, image.currentSrc);
  };
  // How much happened since the action began, or -1 while the page has more to do by itself.
  settle.quiet = (cap) => {
    if (!observer) begin();
    watchAll();
    const busy = document.readyState !== 'complete' || due(marked, now() + cap) > 0 || drawing.size > 0 || loading() ||
        animations().some((one) => one.playState === 'running');
    return busy ? -1 : happened;
  };
  Object.defineProperty(window, '@KEY@', {value: settle, enumerable: false, configurable: false, writable: false});
})())js";

// Unguessable, so that no page is written against it.
const std::string& Key() {
  static const auto* const key = new std::string(absl::StrCat("__", RandomHex(12)));
  return *key;
}

}  // namespace

const std::string& SettleScript() {
  static const auto* const script =
      new std::string(absl::StrReplaceAll(kScript, {{"@KEY@", Key()}}));
  return *script;
}

std::string MarkExpression() { return absl::StrCat("window.", Key(), "&&window.", Key(), ".mark()"); }

std::string SettleExpression(absl::Duration cap) {
  return absl::StrCat(
      "window.", Key(), "?window.", Key(), "(", absl::ToDoubleMilliseconds(cap), ")",
      ":new Promise(r=>{const done=()=>r({timers:0,mutating:false});"
      "requestAnimationFrame(()=>requestAnimationFrame(done));setTimeout(done,500)})");
}

std::string QuietExpression(absl::Duration cap) {
  return absl::StrCat("window.", Key(), "?window.", Key(), ".quiet(", absl::ToDoubleMilliseconds(cap), "):-1");
}

std::string FrameSettleExpression(absl::Duration cap) {
  return absl::StrCat("window.", Key(), "?window.", Key(), "(", absl::ToDoubleMilliseconds(cap),
                      "):{timers:0,mutating:false}");
}

}  // namespace proctor::env::web
