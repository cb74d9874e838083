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
  const nativeSet = window.setTimeout, nativeClear = window.clearTimeout;
  const nativeFrame = window.requestAnimationFrame.bind(window);
  const now = performance.now.bind(performance);
  const apply = Reflect.apply;
  const shadowRootOf = Object.getOwnPropertyDescriptor(Element.prototype, 'shadowRoot').get;
  const pending = new Map();
  const waiters = new Set();
  // How deep in a chain of timers the running task is. Reset by a task of its own, not when the callback returns: what
  // follows an `await` inside it runs in between.
  let depth = 0;
  const channel = new MessageChannel();
  channel.port1.onmessage = () => { depth = 0; };
  const done = (id) => { if (pending.delete(id)) for (const waiter of [...waiters]) waiter(); };
  const wrapped = {
    setTimeout(callback, delay, ...rest) {
      const own = depth;
      if (typeof callback !== 'function' || own >= MAX_DEPTH || pending.size >= MAX_PENDING) {
        return apply(nativeSet, window, arguments);
      }
      let id;
      const run = function () {
        depth = own + 1;
        channel.port2.postMessage(0);
        try { return apply(callback, this, arguments); } finally { done(id); }
      };
      id = nativeSet.call(window, run, delay, ...rest);
      pending.set(id, {set: now(), due: now() + (+delay || 0)});
      return id;
    },
    clearTimeout(id) { done(id); return apply(nativeClear, window, arguments); },
  };
  window.setTimeout = wrapped.setTimeout;
  window.clearTimeout = wrapped.clearTimeout;
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
  const settle = async (cap) => {
    const from = marked, end = now() + cap;
    let changed = 0;
    const observer = new MutationObserver(() => { ++changed; });
    // An observer does not look into shadow roots by itself.
    let watched = -1, roots = 0;
    const watch = (root) => {
      observer.observe(root, {subtree: true, childList: true, attributes: true, characterData: true});
      for (const element of root.querySelectorAll('*')) {
        const inner = apply(shadowRootOf, element, []);
        if (inner && ++roots <= MAX_ROOTS) watch(inner);
      }
    };
    // Again after a change: it may have brought new ones.
    const watchAll = () => {
      if (watched === changed) return;
      watched = changed;
      roots = 0;
      watch(document);
    };
    // A page that animates itself by script never rests: some frames are enough.
    const restBy = Math.min(end, now() + 500);
    let mutating = false;
    try {
      watchAll();
      do {
        await timersDone(from, end);
        watchAll();
        await frame();
        const before = changed;
        await frame();
        mutating = changed !== before;
      } while ((mutating && now() < restBy) || (due(from, end) > 0 && now() < end));
    } finally { observer.disconnect(); }
    return {timers: due(from, end), mutating};
  };
  settle.mark = () => { marked = now(); };
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

std::string FrameSettleExpression(absl::Duration cap) {
  return absl::StrCat("window.", Key(), "?window.", Key(), "(", absl::ToDoubleMilliseconds(cap),
                      "):{timers:0,mutating:false}");
}

}  // namespace proctor::env::web
