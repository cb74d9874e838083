// Roles (HTML-AAM) and accessible names (accname 1.2), as far as pages commonly need them. Not followed: CSS-generated
// content, `aria-owns`, names of SVG shapes.

const kInputRoles = {
  button: 'button', checkbox: 'checkbox', color: 'ColorWell', date: 'Date', 'datetime-local': 'DateTime', email: 'textbox',
  file: 'button', image: 'button', month: 'Date', number: 'spinbutton', password: 'textbox', radio: 'radio',
  range: 'slider', reset: 'button', search: 'searchbox', submit: 'button', tel: 'textbox', text: 'textbox',
  time: 'InputTime', url: 'textbox', week: 'Date',
};

const kTagRoles = {
  article: 'article', aside: 'complementary', blockquote: 'blockquote', button: 'button', caption: 'caption', dd: 'definition',
  details: 'group', dialog: 'dialog', dt: 'term', fieldset: 'group', figcaption: 'caption', figure: 'figure', footer: 'contentinfo',
  form: 'form', h1: 'heading', h2: 'heading', h3: 'heading', h4: 'heading', h5: 'heading', h6: 'heading', header: 'banner',
  hr: 'separator', iframe: 'iframe', img: 'image', legend: 'legend', li: 'listitem', main: 'main', math: 'math', menu: 'list', meter: 'meter', nav: 'navigation',
  ol: 'list', optgroup: 'group', option: 'option', output: 'status', progress: 'progressbar', search: 'search', section: 'region', summary: 'button',
  table: 'table', td: 'cell', textarea: 'textbox', tr: 'row', ul: 'list',
};

const kNameFromContent = new Set([
  'button', 'caption', 'cell', 'checkbox', 'columnheader', 'gridcell', 'heading', 'legend', 'link', 'menuitem', 'menuitemcheckbox', 'menuitemradio', 'option', 'radio',
  'rowheader', 'switch', 'tab', 'term', 'tooltip', 'treeitem',
]);

const kInline = new Set([
  'a', 'abbr', 'b', 'bdi', 'bdo', 'cite', 'code', 'data', 'del', 'dfn', 'em', 'font', 'i', 'ins', 'kbd', 'label', 'mark', 'q', 's', 'samp', 'slot', 'small', 'span',
  'strong', 'sub', 'sup', 'time', 'tt', 'u', 'var', 'wbr',
]);

const kSkippedTags = new Set(['script', 'style', 'noscript', 'template', 'head', 'meta', 'link', 'title', 'base', 'source', 'track', 'param', 'datalist', 'colgroup', 'rp']);

function inputRole(element) {
  const role = kInputRoles[element.type] ?? 'textbox';
  return (role === 'textbox' || role === 'searchbox') && element.hasAttribute('list') ? 'combobox' : role;
}

function roleOf(element) {
  if (element instanceof HTMLFormElement) return formRole(element);
  const given = element.getAttribute('role');
  if (given) {
    const role = given.trim().split(/\s+/)[0].slice(0, kMaxWord).toLowerCase();
    if (role && role !== 'none' && role !== 'presentation') return role === 'img' ? 'image' : role;
    if (role && !element.hasAttribute('tabindex')) return '';
  }
  const tag = element.localName;
  switch (tag) {
    case 'a': case 'area': return element.hasAttribute('href') ? 'link' : '';
    case 'input': return inputRole(element);
    case 'select': return element.multiple || element.size > 1 ? 'listbox' : 'combobox';
    case 'th': return element.scope === 'row' || (!element.scope && element.cellIndex === 0 && element.parentElement?.rowIndex > 0) ? 'rowheader' : 'columnheader';
    case 'header': case 'footer':
      return element.closest('article, aside, main, nav, section') ? '' : kTagRoles[tag];
    case 'section': case 'form':
      return element.hasAttribute('aria-label') || element.hasAttribute('aria-labelledby') || element.title ? kTagRoles[tag] : '';
    case 'img': return element.getAttribute('alt') === '' ? '' : 'image';
    case 'svg': return element.hasAttribute('aria-label') || element.querySelector(':scope > title') ? 'image' : '';
    case 'video': return 'video';
    case 'audio': return 'audio';
    case 'canvas': return 'canvas';
  }
  if (element.isContentEditable && !element.parentElement?.isContentEditable) return 'textbox';
  return kTagRoles[tag] ?? '';
}

function formRole(form) {
  if (attributeOf(form, 'role')) return squeeze(attributeOf(form, 'role'), 40).toLowerCase();
  return attributeOf(form, 'aria-label') || attributeOf(form, 'aria-labelledby') || attributeOf(form, 'title') ? 'form' : '';
}

// Text of a subtree as it adds to a name: hidden parts left out, block children set apart, embedded controls by value.
function contentText(element, skipped, depth) {
  let text = '';
  for (const child of renderedChildren(element)) {
    const type = nodeTypeOf(child);
    if (type === Node.TEXT_NODE) {
      text += child.data;
    } else if (type === Node.ELEMENT_NODE && child !== skipped && depth < 60) {
      if (child instanceof HTMLFormElement) {
        text += isVisible(child) ? ' ' + contentText(child, skipped, depth + 1) + ' ' : '';
        continue;
      }
      if (child.localName === 'br') {
        text += ' ';
        continue;
      }
      if (kSkippedTags.has(child.localName) || child.getAttribute('aria-hidden') === 'true' || !isVisible(child)) continue;
      const part = embeddedText(child, skipped, depth + 1);
      const inline = kInline.has(child.localName) ? !(child.style && child.style.display) || child.style.display === 'inline' : false;
      text += inline && isInlineBox(child) ? part : ' ' + part + ' ';
    }
    if (text.length > 4000) break;
  }
  return text;
}

function isInlineBox(element) {
  return element.childElementCount === 0 && element.className === '' ? true : getComputedStyle(element).display.startsWith('inline') &&
      getComputedStyle(element).display === 'inline' || getComputedStyle(element).display === 'contents';
}

function embeddedText(element, skipped, depth) {
  // A control inside a label counts by its value, before its own label.
  switch (element.localName) {
    case 'input':
      if (kTextInputs.has(element.type) && element.type !== 'password') return element.value;
      break;
    case 'textarea': return element.value;
    case 'select': return Array.from(element.selectedOptions, (option) => option.label).join(' ');
  }
  const label = element.getAttribute('aria-label');
  if (label && label.trim()) return label;
  switch (element.localName) {
    case 'img': case 'area': return element.getAttribute('alt') ?? element.title ?? '';
    case 'input': return element.type === 'image' ? element.alt : element.type === 'submit' || element.type === 'button' ? element.value : '';
    case 'svg': return element.querySelector(':scope > title')?.textContent ?? '';
    case 'iframe': case 'video': case 'audio': case 'canvas': return element.title ?? '';
  }
  const text = contentText(element, skipped, depth);
  return text.trim() || !element.title ? text : element.title;
}

function labelledBy(element) {
  const ids = element.getAttribute('aria-labelledby');
  if (!ids) return '';
  const root = element.getRootNode();
  const parts = [];
  for (const id of ids.trim().split(/\s+/)) {
    const target = root.getElementById?.(id);
    if (!target) continue;
    const text = embeddedText(target, target.contains(element) ? element : null, 0);
    parts.push(text.trim() || target.textContent);
  }
  return parts.join(' ');
}

function labelsText(element) {
  if (!element.labels || element.labels.length === 0) return '';
  return squeeze(Array.from(element.labels, (label) => contentText(label, element, 0)).join(' '), kMaxName);
}

function nativeName(element) {
  switch (element.localName) {
    case 'input':
      if (element.type === 'submit' && !element.hasAttribute('value')) return labelsText(element) || 'Submit';
      if (element.type === 'reset' && !element.hasAttribute('value')) return labelsText(element) || 'Reset';
      if (element.type === 'submit' || element.type === 'reset' || element.type === 'button') return labelsText(element) || element.value;
      if (element.type === 'image') return labelsText(element) || element.alt || element.value || element.title || 'Submit';
      if (element.type === 'file') return labelsText(element) || element.title || 'Choose File';
      return labelsText(element);
    case 'button': case 'textarea': case 'select': case 'meter': case 'progress': case 'output': return labelsText(element);
    case 'img': case 'area': return element.getAttribute('alt') ?? '';
    case 'fieldset': return childText(element, 'legend');
    case 'figure': return childText(element, 'figcaption');
    case 'table': return childText(element, 'caption');
    case 'optgroup': return element.label;
    case 'option': return element.label;
    case 'svg': return element.querySelector(':scope > title')?.textContent ?? '';
  }
  return '';
}

function childText(element, tag) {
  for (const child of element.children) {
    if (child.localName === tag) return contentText(child, null, 0);
  }
  return '';
}

function nameOf(element, role) {
  if (element instanceof HTMLFormElement) return squeeze(attributeOf(element, 'aria-label') || attributeOf(element, 'title'), kMaxName);
  let name = squeeze(labelledBy(element), kMaxName) || squeeze(element.getAttribute('aria-label'), kMaxName) || squeeze(nativeName(element), kMaxName);
  if (!name && kNameFromContent.has(role) && element.localName !== 'select' && element.localName !== 'input') {
    name = squeeze(contentText(element, null, 0), kMaxName);
  }
  if (!name) name = squeeze(element.title || element.getAttribute('title'), kMaxName);
  return name || squeeze(element.getAttribute('placeholder') || element.getAttribute('aria-placeholder'), kMaxName);
}
