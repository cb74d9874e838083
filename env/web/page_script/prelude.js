// The page script: what the server knows of a page beyond its pixels. It runs in an isolated world of every frame, where the
// page can neither see nor change it; it never changes the page, save where input asks it to. The parts are joined in the
// order prelude, names, elements, observe, input and run once a document, inside one function.
//
// Nodes are known to the server by local ids, counted per document; the server turns them into marks.

const kMaxWord = 100;  // Of roles and tags.
const kMaxName = 500;
const kMaxText = 200;
const kMaxValue = 1000;
const kMaxOptions = 200;
const kMaxElements = 5001;  // One more than the server keeps, so that it knows that there are more.
const kMaxNodes = 200000;
const kMaxDepth = 800;

// Bytes that page text cannot hold after squeeze(): they fence ids in the tree for the server to replace.
const kMarkFence = '\u0001';
const kFrameFence = '\u0002';

// A form's named controls hide its own properties (`<input name="childNodes">`), so what is asked of any node is asked by
// the prototypes' getters and methods.
function getterOf(prototype, name) {
  const getter = Object.getOwnPropertyDescriptor(prototype, name).get;
  return (node) => getter.call(node);
}
const childNodesOf = getterOf(Node.prototype, 'childNodes');
const parentNodeOf = getterOf(Node.prototype, 'parentNode');
const nodeTypeOf = getterOf(Node.prototype, 'nodeType');
const localNameOf = getterOf(Element.prototype, 'localName');
const shadowRootOf = getterOf(Element.prototype, 'shadowRoot');
const slotOf = (node) => node instanceof HTMLFormElement ? formSlotOf(node) : node.assignedSlot;
const formSlotOf = getterOf(Element.prototype, 'assignedSlot');
const attributeOf = (element, name) => Element.prototype.getAttribute.call(element, name);
const isRendered = (element, options) => Element.prototype.checkVisibility.call(element, options);

const localIds = new WeakMap();
const nodesById = new Map();
let lastLocalId = 0;

function idOf(element) {
  let id = localIds.get(element);
  if (id === undefined) {
    id = ++lastLocalId;
    localIds.set(element, id);
    nodesById.set(id, new WeakRef(element));
  }
  return id;
}

function nodeOf(id) {
  const element = nodesById.get(id)?.deref();
  return element && element.isConnected ? element : null;
}

// One line, blanks squeezed, control characters dropped, at most `limit` UTF-16 units.
function squeeze(text, limit) {
  if (!text) return '';
  let squeezed = text.replace(/[\s\u0000-\u0020\u007f-\u00a0\u200b\ufeff]+/g, ' ').trim();
  if (squeezed.length > limit) squeezed = squeezed.slice(0, limit).toWellFormed();
  return squeezed;
}

function isBoxed(element) {
  return isRendered(element) || getComputedStyle(element).display === 'contents';
}

function isVisible(element) {
  if (isRendered(element, {visibilityProperty: true})) return true;
  const style = getComputedStyle(element);
  return style.display === 'contents' && style.visibility === 'visible';
}

// Children as they are rendered: of the open shadow root, of a slot, or plain ones.
function renderedChildren(element) {
  const root = shadowRootOf(element);
  if (root) return root.childNodes;
  if (element instanceof HTMLSlotElement) {
    const assigned = element.assignedNodes();
    if (assigned.length > 0) return assigned;
  }
  return childNodesOf(element);
}

function renderedParent(node) {
  const slot = slotOf(node);
  if (slot) return slot;
  const parent = parentNodeOf(node);
  return parent instanceof ShadowRoot ? parent.host : parent instanceof Element ? parent : null;
}

// `outer` is `inner` or around it, across shadow roots.
function surrounds(outer, inner) {
  for (let node = inner; node; node = renderedParent(node)) {
    if (node === outer) return true;
  }
  return false;
}

function activeElement() {
  let active = document.activeElement;
  while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
  return active;
}
