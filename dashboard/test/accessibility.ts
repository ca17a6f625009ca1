// Looked for inside the page: controls that have no name, and text that its background swallows (WCAG 2.2, 1.4.3).
// Each function is sent to the browser whole, so it stands on its own.

export function namelessControls(): string[] {
  const controls = [...document.querySelectorAll("a[href], button, input, select, [role=img], svg:not([aria-hidden])")];
  return controls
    .filter((control) => {
      const labels =
        control instanceof HTMLInputElement || control instanceof HTMLSelectElement ? control.labels : null;
      const label = labels?.[0]?.textContent ?? "";
      return `${control.getAttribute("aria-label") ?? ""}${label}${control.textContent ?? ""}`.trim() === "";
    })
    .map((control) => control.outerHTML.slice(0, 120));
}

export function contrastFaults(): string[] {
  type Colour = readonly [number, number, number, number];
  const paint = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const colourOf = (css: string): Colour => {
    if (paint === null) throw new Error("no canvas");
    paint.clearRect(0, 0, 1, 1);
    paint.fillStyle = css;
    paint.fillRect(0, 0, 1, 1);
    const [r = 0, g = 0, b = 0, a = 0] = paint.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top: Colour, under: Colour): Colour => {
    const mix = (i: 0 | 1 | 2): number => top[i] * top[3] + under[i] * (1 - top[3]);
    return [mix(0), mix(1), mix(2), 1];
  };
  const backgroundOf = (element: Element | null): Colour => {
    if (element === null) return [255, 255, 255, 1];
    const own = colourOf(getComputedStyle(element).backgroundColor);
    return own[3] === 1 ? own : over(own, backgroundOf(element.parentElement));
  };
  const luminance = ([r, g, b]: Colour): number => {
    const linear = (value: number): number => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    };
    return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  };
  const faultOf = (element: Element): string[] => {
    const style = getComputedStyle(element);
    const under = backgroundOf(element);
    const [light = 0, dark = 0] = [luminance(over(colourOf(style.color), under)), luminance(under)].sort(
      (a, b) => b - a,
    );
    const ratio = (light + 0.05) / (dark + 0.05);
    const size = Number.parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const text = (element.textContent ?? "").trim().slice(0, 40);
    return ratio >= (isLarge ? 3 : 4.5) ? [] : [`${ratio.toFixed(2)}: "${text}" (${element.className})`];
  };
  const hasText = (element: Element): boolean =>
    [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && (node.textContent ?? "").trim() !== "");
  return [...document.querySelectorAll("body *")]
    .filter((e) => hasText(e) && !["SCRIPT", "NOSCRIPT", "STYLE"].includes(e.tagName))
    .flatMap(faultOf);
}
