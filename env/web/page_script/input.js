// What input needs of a node. Each function takes a local id and an argument object and returns an object; {problem}
// names what stands in the way, with {detail} for the agent.

function hitTest(x, y) {
  let hit = document.elementFromPoint(x, y);
  while (hit?.shadowRoot) {
    const inner = hit.shadowRoot.elementFromPoint(x, y);
    if (!inner || inner === hit) break;
    hit = inner;
  }
  return hit;
}

// Clicking the hit node reaches the element: it is inside it, or inside a label of it.
function reaches(element, hit) {
  if (!hit) return false;
  if (surrounds(element, hit)) return true;
  return Array.from(element.labels ?? []).some((label) => surrounds(label, hit)) ||
      (element.localName === 'option' && surrounds(element.closest('select'), hit)) ||
      (element.localName === 'area' && hit.useMap !== undefined && hit.useMap !== '');
}

function nameForAgent(element) {
  if (!element) return 'something outside the page';
  if (element instanceof HTMLFormElement) return 'a form';
  let shown = element;
  for (let i = 0; i < 3 && shown && !nameOf(shown, roleOf(shown)); ++i) shown = renderedParent(shown);
  const name = shown ? nameOf(shown, roleOf(shown)) : '';
  const dialog = element.closest('dialog, [role="dialog"], [role="alertdialog"]');
  const role = (shown && roleOf(shown)) || element.localName;
  const text = name || squeeze(element.innerText, 60);
  return 'the ' + role + (text ? ' "' + text.slice(0, 60).toWellFormed() + '"' : '') + (dialog && dialog !== shown ? ' in a dialog' : '');
}

// Points of the element inside the viewport, best first.
function pointsOf(element) {
  const points = [];
  const rects = element.localName === 'area' ? areaRects(element) : Array.from(element.getClientRects());
  for (const rect of rects.slice(0, 10)) {
    const left = Math.max(rect.left, 0), right = Math.min(rect.right, innerWidth);
    const top = Math.max(rect.top, 0), bottom = Math.min(rect.bottom, innerHeight);
    if (right - left < 1 || bottom - top < 1) continue;
    for (const [fx, fy] of [[0.5, 0.5], [0.25, 0.5], [0.75, 0.5], [0.5, 0.25], [0.5, 0.75], [0.1, 0.1], [0.9, 0.9]]) {
      points.push([left + (right - left) * fx, top + (bottom - top) * fy, (right - left) * (bottom - top) * (fx === 0.5 && fy === 0.5 ? 1 : 0.001)]);
    }
  }
  return points.sort((a, b) => b[2] - a[2]);
}

function areaRects(area) {
  const image = document.querySelector('img[usemap="#' + CSS.escape(area.parentElement?.name ?? '') + '"]');
  const coords = area.coords.split(',').map(Number);
  if (!image || coords.length < 3 || coords.some(Number.isNaN)) return [];
  const box = image.getBoundingClientRect();
  const rect = area.shape === 'circle' ? [coords[0] - coords[2], coords[1] - coords[2], coords[0] + coords[2], coords[1] + coords[2]] :
      [Math.min(...coords.filter((_, i) => i % 2 === 0)), Math.min(...coords.filter((_, i) => i % 2)), Math.max(...coords.filter((_, i) => i % 2 === 0)), Math.max(...coords.filter((_, i) => i % 2))];
  return [new DOMRect(box.x + rect[0], box.y + rect[1], rect[2] - rect[0], rect[3] - rect[1])];
}

function uncoveredPoint(element) {
  let covering = null;
  const points = pointsOf(element);
  for (const [x, y] of points) {
    const hit = hitTest(x, y);
    if (reaches(element, hit)) return {x, y};
    covering = covering ?? hit;
  }
  return points.length ? {x: points[0][0], y: points[0][1], covering} : null;
}

const nodeActions = {
  locate(element, {scroll}) {
    if (!isVisible(element) && element.localName !== 'area') return {problem: 'hidden'};
    let point = uncoveredPoint(element);
    if (scroll) {
      for (const block of ['center', 'nearest', 'start', 'end']) {
        if (point && !point.covering) break;
        element.scrollIntoView({block, inline: block === 'center' ? 'center' : 'nearest', behavior: 'instant'});
        point = uncoveredPoint(element) ?? point;
      }
    }
    const disabled = isDisabled(element.localName === 'label' ? element.control ?? element : element);
    const described = describe(element, element.getBoundingClientRect(), activeElement(), '');
    if (!point) return {problem: 'no_point', element: described, disabled};
    const covered = point.covering !== undefined ? nameForAgent(point.covering) : '';
    return {x: point.x, y: point.y, covered, disabled, element: described};
  },

  // A point of a frame's content, in this document's viewport; scrolled to if it is outside.
  fromOwner(owner, {x, y, scroll}) {
    const place = () => {
      const [, left, top, width, height, scaleX, scaleY] = ownerBox(owner);
      const point = {x: left + x * scaleX, y: top + y * scaleY};
      point.inside = x * scaleX <= width && y * scaleY <= height && point.x >= 0 && point.y >= 0 && point.x < innerWidth && point.y < innerHeight;
      return point;
    };
    let point = place();
    if (!point.inside && scroll) {
      owner.scrollIntoView({block: 'nearest', inline: 'nearest', behavior: 'instant'});
      point = place();
      if (!point.inside) {
        scrollBy({left: point.x - innerWidth / 2, top: point.y - innerHeight / 2, behavior: 'instant'});
        point = place();
      }
    }
    if (!point.inside) return {problem: 'no_point', box: ownerBox(owner)};
    const hit = hitTest(point.x, point.y);
    return {x: point.x, y: point.y, covered: hit === owner ? '' : nameForAgent(hit), box: ownerBox(owner)};
  },

  describe(element) {
    return {element: describe(element, element.getBoundingClientRect(), activeElement(), '')};
  },

  focus(element) {
    element.focus({preventScroll: false});
    const active = activeElement();
    return active === element || (active && surrounds(element, active)) ? {} : {problem: 'no_focus'};
  },

  selectText(element, {all}) {
    const target = element.localName === 'label' ? element.control ?? element : element;
    if (isDisabled(target)) return {problem: 'disabled'};
    if (!isEditable(target)) return {problem: target.readOnly ? 'readonly' : 'not_editable'};
    target.focus();
    if (target.localName === 'input' || target.localName === 'textarea') {
      if (all) {
        target.select();
      } else {
        try {
          target.setSelectionRange(target.value.length, target.value.length);
        } catch {
          // Number and e-mail inputs have no selection range; the caret stays where the focus put it.
        }
      }
      return {type: target.type, empty: target.value === ''};
    }
    const range = document.createRange();
    range.selectNodeContents(target);
    if (!all) range.collapse(false);
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    return {type: 'contenteditable', empty: target.textContent === ''};
  },

  setValue(element, {value}) {
    if (element.localName !== 'input') return {problem: 'not_editable'};
    if (isDisabled(element)) return {problem: 'disabled'};
    if (element.readOnly) return {problem: 'readonly'};
    const before = element.value;
    element.focus();
    element.value = value;
    if (element.value !== value && !(element.type === 'color' && element.value === value.toLowerCase()) && !(element.type === 'range' && Number(element.value) === Number(value))) {
      element.value = before;
      return {problem: 'bad_value', detail: element.type};
    }
    if (element.value !== before) {
      element.dispatchEvent(new Event('input', {bubbles: true, composed: true}));
      element.dispatchEvent(new Event('change', {bubbles: true}));
    }
    return {};
  },

  selectOptions(element, {options}) {
    const select = element.localName === 'option' ? element.closest('select') : element;
    if (select?.localName !== 'select') return {problem: 'not_select'};
    if (isDisabled(select)) return {problem: 'disabled'};
    if (options.length > 1 && !select.multiple) return {problem: 'not_multiple'};
    const chosen = new Set();
    for (const wanted of options) {
      const all = Array.from(select.options);
      const text = squeeze(wanted, kMaxName);
      const found = all.find((option) => squeeze(option.label, kMaxName) === text) ?? all.find((option) => option.value === wanted) ??
          all.find((option) => squeeze(option.label, kMaxName).toLowerCase() === text.toLowerCase());
      if (!found) return {problem: 'no_option', detail: all.slice(0, 30).map((option) => squeeze(option.label, 60)).join(', ')};
      if (found.disabled || found.closest('optgroup')?.disabled) return {problem: 'option_disabled', detail: text};
      chosen.add(found);
    }
    select.focus();
    let changed = false;
    for (const option of select.options) {
      changed = changed || option.selected !== chosen.has(option);
      if (select.multiple) option.selected = chosen.has(option);
    }
    if (!select.multiple) select.selectedIndex = chosen.size ? Array.from(select.options).indexOf([...chosen][0]) : -1;
    if (changed) {
      select.dispatchEvent(new Event('input', {bubbles: true, composed: true}));
      select.dispatchEvent(new Event('change', {bubbles: true}));
    }
    return {};
  },

  scrollBy(element, {dx, dy}) {
    for (let node = element; node; node = renderedParent(node)) {
      const left = node.scrollLeft, top = node.scrollTop;
      const style = getComputedStyle(node);
      const root = node === document.scrollingElement;
      const scrolls = root || (dy && /auto|scroll|overlay/.test(style.overflowY)) || (dx && /auto|scroll|overlay/.test(style.overflowX)) || node.localName === 'textarea' || node.localName === 'select';
      if (!scrolls) continue;
      node.scrollBy({left: dx, top: dy, behavior: 'instant'});
      if (node.scrollLeft !== left || node.scrollTop !== top) return {moved: true};
    }
    return {moved: false};
  },
};

function act(id, action, argument) {
  const element = nodeOf(id);
  return JSON.stringify(element ? nodeActions[action](element, argument) : {problem: 'gone'});
}

// What lies at a point: a frame's owner with the point in its content, or the nearest interactive element around it.
function describeAt(x, y) {
  const hit = hitTest(x, y);
  if (!hit) return JSON.stringify({problem: 'gone'});
  if (hit.localName === 'iframe' || hit.localName === 'frame') {
    const [id, left, top, , , scaleX, scaleY] = ownerBox(hit);
    return JSON.stringify({owner: id, x: (x - left) / scaleX, y: (y - top) / scaleY, scaleX, scaleY});
  }
  let shown = hit;
  for (let node = hit; node; node = renderedParent(node)) {
    if (!(node instanceof HTMLFormElement) && isControl(node, roleOf(node))) {
      shown = node;
      break;
    }
  }
  if (shown instanceof HTMLFormElement) return JSON.stringify({problem: 'gone'});
  return JSON.stringify({element: describe(shown, shown.getBoundingClientRect(), activeElement(), '')});
}

function fileInputOf(id) {
  const element = nodeOf(id);
  const input = element?.localName === 'label' ? element.control : element?.closest('label')?.control ?? element;
  return input?.localName === 'input' && input.type === 'file' ? input : null;
}

globalThis.proctorPage = {observe, act, describeAt, fileInputOf, idOf};
