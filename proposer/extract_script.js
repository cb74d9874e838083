// One expression: what the page shows, as plain data. Runs in any page; changes nothing.
(() => {
  const kText = 300, kTables = 60, kRows = 400, kCells = 20, kBlocks = 50;
  const clip = (s, n) => String(s === null || s === undefined ? '' : s).replace(/\s+/g, ' ').trim().slice(0, n);
  const all = (selector, root) => Array.prototype.slice.call((root || document).querySelectorAll(selector));
  const shown = (e) => { try { return e.getClientRects().length > 0; } catch (error) { return false; } };
  const textOf = (e) => clip(e.innerText === undefined ? e.textContent : e.innerText, kText);
  // The site's name in the page's head is no heading of the page.
  const inFurniture = (e) => {
    const part = e.closest('header,nav,footer,aside,[role=banner],[role=navigation]');
    return part !== null && part.closest('main,article,[role=main]') === null;
  };
  const headings = all('h1,h2,h3,h4').filter((h) => shown(h) && !inFurniture(h)).slice(0, 200);
  const headingAbove = (e) => {
    let found = '';
    for (const h of headings) {
      if (!(h.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING)) break;
      found = textOf(h);
    }
    return found;
  };
  const tables = all('table').filter((t) => shown(t) && !t.querySelector('table')).slice(0, kTables).map((t) => ({
    heading: headingAbove(t),
    caption: t.caption ? textOf(t.caption) : '',
    row_count: t.rows.length,
    rows: Array.prototype.slice.call(t.rows, 0, kRows).filter(shown).map((r) =>
      Array.prototype.slice.call(r.cells, 0, kCells).map((c) => ({
        text: textOf(c), header: c.tagName === 'TH', span: c.colSpan > 1 || c.rowSpan > 1,
      }))),
  }));
  const lists = all('dl').filter(shown).slice(0, kTables).map((list) => {
    const pairs = [];
    let term = '';
    for (const e of all('dt,dd', list).slice(0, kRows)) {
      if (e.tagName === 'DT') term = textOf(e);
      else if (term) pairs.push([term, textOf(e)]);
    }
    return {heading: headingAbove(list), pairs};
  });
  const value = (e) => clip(e.getAttribute('content') || e.getAttribute('datetime') || e.innerText || '', kText);
  const items = all('[itemscope]').slice(0, kBlocks).map((item) =>
    all('[itemprop]', item).filter((p) => p.parentElement.closest('[itemscope]') === item).slice(0, 50)
      .map((p) => [clip(p.getAttribute('itemprop'), 60), value(p)]));
  const fields = (form) => all('input,textarea,select', form).filter(shown).slice(0, 50)
    .map((f) => ({name: clip(f.name, 100), type: clip(f.type, 20)}));
  const forms = all('form').slice(0, kBlocks).map((f) => ({
    action: clip(f.getAttribute('action') === null ? location.href : new URL(f.getAttribute('action'), document.baseURI).href, 1000),
    method: clip(f.getAttribute('method') || 'get', 10).toLowerCase(),
    role: clip(f.getAttribute('role'), 20), fields: fields(f),
  }));
  const entry = performance.getEntriesByType('navigation')[0];
  return {
    url: location.href, title: clip(document.title, kText), content_type: document.contentType,
    status: entry && entry.responseStatus ? entry.responseStatus : 0,
    headings: headings.map((h) => [Number(h.tagName[1]), textOf(h)]),
    text: String(document.body ? document.body.innerText || '' : '').slice(0, 200000),
    tables, lists, items, forms,
    json_ld: all('script[type="application/ld+json"]').slice(0, 20).map((s) => s.textContent.slice(0, 50000)),
  };
})()
