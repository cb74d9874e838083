// One walk over the rendered page for elements and tree.

const kAsk = {elements: 1, tree: 2, html: 4, text: 8, focus: 16};

class Walk {
  // `room`: UTF-16 units that descriptions may have, about.
  constructor(wanted, room) {
    this.room = room;
    this.cut = false;
    this.wantElements = (wanted & kAsk.elements) !== 0;
    this.wantTree = (wanted & kAsk.tree) !== 0;
    this.wantMarks = this.wantElements || this.wantTree;
    this.focused = activeElement();
    this.elements = [];
    this.lines = [];
    this.owners = [];
    this.heading = '';
    this.nodes = 0;
    this.textOpen = false;
  }

  // `inside`: within a listed element; `quiet`: text is part of a name already printed; `unseen`: aria-hidden.
  children(element, depth, indent, inside, quiet, unseen) {
    if (depth > kMaxDepth) return;
    for (const child of renderedChildren(element)) {
      if (++this.nodes > kMaxNodes) return;
      const type = nodeTypeOf(child);
      if (type === Node.TEXT_NODE) {
        if (this.wantTree && !quiet && !unseen) this.text(child, element, indent);
      } else if (type === Node.ELEMENT_NODE && !kSkippedTags.has(localNameOf(child))) {
        this.element(child, depth + 1, indent, inside, quiet, unseen);
      }
    }
  }

  text(node, parent, indent) {
    const text = squeeze(node.data, kMaxText * 20);
    if (!text || !isVisible(parent)) return;
    if (this.textOpen) {
      const line = this.lines[this.lines.length - 1];
      this.lines[this.lines.length - 1] = line.slice(0, -1) + (/^\s/.test(node.data) || this.spaceBefore ? ' ' : '') + text + '"';
    } else {
      this.lines.push(' '.repeat(indent) + 'text "' + text + '"');
      this.textOpen = true;
    }
    this.spaceBefore = /\s$/.test(node.data);
  }

  element(element, depth, indent, inside, quiet, unseen) {
    if (element instanceof HTMLFormElement) return this.form(element, depth, indent, inside, quiet, unseen);
    const tag = element.localName;
    if (!isBoxed(element) || element.inert) return;
    if (!kInline.has(tag)) this.textOpen = false;
    const role = roleOf(element);
    if (tag === 'iframe' || tag === 'frame') return this.frame(element, indent, unseen);
    const listed = this.wantMarks && isVisible(element) && (isControl(element, role) || (!inside && hasOwnPointer(element)));
    const box = listed ? element.getBoundingClientRect() : null;
    const sized = listed && isSized(box);
    const marked = sized && this.room > 0 && this.elements.length < kMaxElements;
    this.cut ||= sized && !marked;
    const hidden = unseen || element.getAttribute('aria-hidden') === 'true';
    const named = marked || (this.wantTree && role && !hidden) || role === 'heading';
    const name = named ? nameOf(tag === 'label' && marked ? element.control ?? element : element, marked && tag === 'label' ? roleOf(element.control ?? element) : role) : '';
    if (marked) {
      const known = tag === 'label' ? undefined : {role: role || 'generic', name};
      const described = describe(element, box, this.focused, this.heading, known);
      this.room -= JSON.stringify(described).length;
      this.elements.push(described);
    }
    if (role === 'heading' && name) this.heading = squeeze(name, kMaxText);
    let deeper = indent;
    let silent = quiet;
    if (this.wantTree && !hidden && (marked || (role && this.worthALine(role, name))) && isVisible(element)) {
      this.line(element, role || 'generic', name, marked, indent);
      deeper = indent + 2;
      // A name from content has said the text already.
      silent = quiet || (kNameFromContent.has(role) && name !== '') || tag === 'textarea';
    }
    if (tag === 'select' || tag === 'svg' || tag === 'video' || tag === 'audio') return;
    this.children(element, depth, deeper, inside || marked, silent, hidden);
    if (!kInline.has(tag) || deeper !== indent) this.textOpen = false;
  }

  form(form, depth, indent, inside, quiet, unseen) {
    if (!isBoxed(form) || attributeOf(form, 'inert') !== null) return;
    this.textOpen = false;
    const role = formRole(form);
    const hidden = unseen || attributeOf(form, 'aria-hidden') === 'true';
    let deeper = indent;
    if (this.wantTree && role && !hidden) {
      const name = nameOf(form, role);
      this.lines.push(' '.repeat(indent) + role + (name ? ' "' + name + '"' : ''));
      deeper = indent + 2;
    }
    this.children(form, depth, deeper, inside, quiet, hidden);
    this.textOpen = false;
  }

  worthALine(role, name) {
    return name !== '' || (role !== 'term' && role !== 'definition' && role !== 'caption' && role !== 'legend' && role !== 'group' && role !== 'paragraph' && role !== 'canvas');
  }

  line(element, role, name, marked, indent) {
    let line = ' '.repeat(indent);
    if (marked) line += kMarkFence + idOf(element) + kMarkFence + ' ';
    line += role;
    if (name) line += ' "' + name + '"';
    const described = marked ? this.elements[this.elements.length - 1] : null;
    if (described && described[5]) line += ' value="' + squeeze(described[5], kMaxText) + '"';
    if (role === 'heading') line += ' level=' + (element.getAttribute('aria-level') ?? element.localName.slice(1)).slice(0, kMaxWord);
    const states = described ? described[6] : statesOf(element, this.focused);
    for (const [state, number] of Object.entries(kStates)) {
      if (states.includes(number)) line += ' ' + state;
    }
    if (described && described[12]) line += ' options=' + JSON.stringify(described[12].slice(0, 30));
    this.lines.push(line);
    this.textOpen = false;
  }

  frame(element, indent, unseen) {
    this.owners.push([...ownerBox(element), this.elements.length]);
    if (this.wantTree && !unseen) this.lines.push(' '.repeat(indent) + kFrameFence + idOf(element) + kFrameFence + nameOf(element, 'iframe'));
    this.textOpen = false;
  }
}

// A frame's owner: id, where the content's origin lies in this viewport, its size there, and its size in its own pixels.
function ownerBox(element) {
  const box = element.getBoundingClientRect();
  const scaleX = element.offsetWidth ? box.width / element.offsetWidth : 1;
  const scaleY = element.offsetHeight ? box.height / element.offsetHeight : 1;
  const style = getComputedStyle(element);
  const left = element.clientLeft + (parseFloat(style.paddingLeft) || 0);
  const top = element.clientTop + (parseFloat(style.paddingTop) || 0);
  const width = Math.max(0, element.clientWidth - (parseFloat(style.paddingLeft) || 0) - (parseFloat(style.paddingRight) || 0));
  const height = Math.max(0, element.clientHeight - (parseFloat(style.paddingTop) || 0) - (parseFloat(style.paddingBottom) || 0));
  return [idOf(element), box.x + left * scaleX, box.y + top * scaleY, width * scaleX, height * scaleY, scaleX, scaleY, isVisible(element) ? 1 : 0];
}

function shadowRoots() {
  const roots = [];
  const search = (root) => {
    for (const element of root.querySelectorAll('*')) {
      const shadow = shadowRootOf(element);
      if (shadow) {
        roots.push(shadow);
        search(shadow);
      }
    }
  };
  search(document);
  return roots;
}

function pageText() {
  let text = document.body?.innerText ?? document.documentElement?.textContent ?? '';
  for (const root of shadowRoots()) {
    for (const child of root.children) {
      if (!kSkippedTags.has(child.localName) && isVisible(child)) text += '\n' + (child.innerText ?? '');
    }
  }
  return text.toWellFormed();
}

function pageHtml() {
  const doctype = document.doctype ? new XMLSerializer().serializeToString(document.doctype) + '\n' : '';
  const root = document.documentElement;
  if (!root) return doctype;
  const roots = shadowRoots();
  if (roots.length === 0) return (doctype + root.outerHTML).toWellFormed();
  const shell = root.cloneNode(false).outerHTML;
  const at = shell.lastIndexOf('</');
  return (doctype + shell.slice(0, at) + root.getHTML({shadowRoots: roots}) + shell.slice(at)).toWellFormed();
}

// Everything asked for (a sum of kAsk) as one JSON text; texts, and elements together, cut at `limit` UTF-16 units. `k`: what was cut, as kAsk.
function observe(wanted, limit) {
  const reply = {u: document.URL, t: squeeze(document.title, 1000), v: [innerWidth, innerHeight], k: 0};
  const walk = new Walk(wanted, limit);
  const cut = (text, part) => {
    if (text.length > limit) reply.k |= part;
    return text.slice(0, limit).toWellFormed();
  };
  if (wanted & (kAsk.elements | kAsk.tree)) {
    if (document.documentElement) walk.children(document.documentElement, 0, 0, false, false, false);
    if (wanted & kAsk.elements) reply.e = walk.elements;
    if (walk.cut) reply.k |= kAsk.elements;
    if (wanted & kAsk.tree) reply.a = cut(walk.lines.join('\n'), kAsk.tree);
    reply.o = walk.owners;
  } else {
    reply.o = Array.from(document.querySelectorAll('iframe, frame'), ownerBox);
  }
  if (wanted & kAsk.text) reply.x = cut(pageText(), kAsk.text);
  if (wanted & kAsk.html) reply.h = cut(pageHtml(), kAsk.html);
  if (wanted & kAsk.focus) {
    const focused = walk.focused;
    reply.f = focused && focused !== document.body && focused !== document.documentElement ? idOf(focused) : 0;
    const root = document.scrollingElement ?? document.documentElement;
    reply.s = root ? [scrollX, scrollY, root.scrollWidth, root.scrollHeight] : [0, 0, 0, 0];
  }
  return JSON.stringify(reply);
}
