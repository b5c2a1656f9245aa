/** The element with this id; the page is served whole, so a missing one is a mistake in it. */
export function need<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found as T;
}

/** Touches the document only where something changed. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

export function setAttribute(element: Element, name: string, value: string): void {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** Sets a custom property, by which the style sheets draw sizes and colours that come from data. */
export function setProperty(element: HTMLElement, name: `--${string}`, value: string): void {
  if (element.style.getPropertyValue(name) !== value) element.style.setProperty(name, value);
}

/** A new element. `attributes` are attributes; the children are elements or text. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Brings a list's children to `length`, making new ones at its end. */
export function resized(list: HTMLElement, length: number, makeOne: (index: number) => HTMLElement): HTMLElement[] {
  while (list.children.length > length) list.lastElementChild?.remove();
  while (list.children.length < length) list.append(makeOne(list.children.length));
  return [...list.children] as HTMLElement[];
}
