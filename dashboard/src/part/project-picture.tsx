// The project graph as boxes and arrows, from who needs to who is needed. All that it says is in the table beside it too.
import { useEffect, useRef } from "react";
import { hashOf } from "../place.ts";
import { type Arrow, type Box, box, type Picture } from "../view/projects.ts";

export function ProjectPicture({ picture, chosen }: { picture: Picture; chosen: string }) {
  const { boxes, arrows, width, height } = picture;
  const figure = useRef<HTMLElement>(null);
  const middle = boxes.find(({ name }) => name === chosen);
  const [x, y] = middle === undefined ? [0, 0] : [middle.x + box.width / 2, middle.y + box.height / 2];
  useEffect(() => {
    const { current } = figure;
    current?.scrollTo(x - current.clientWidth / 2, y - current.clientHeight / 2);
  }, [x, y]);
  const label = `${boxes.length} projects and ${arrows.length} dependencies between them; the table tells the same`;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <figure className="project-picture" ref={figure} tabIndex={0} aria-label="Dependencies">
      <svg viewBox={`-2 -2 ${width + 4} ${height + 4}`} width={width + 4} height={height + 4}>
        <title>{label}</title>
        {arrows.map((arrow) => (
          <path
            key={`${arrow.from.name} ${arrow.to.name}`}
            className={`needs is-${arrow.by}${touches(arrow, chosen) ? " is-chosen" : ""}`}
            d={pathOf(arrow)}
          />
        ))}
        {boxes.map((one) => (
          <ProjectBox key={one.name} one={one} isChosen={one.name === chosen} />
        ))}
      </svg>
    </figure>
  );
}

function ProjectBox({ one: { name, x, y }, isChosen }: { one: Box; isChosen: boolean }) {
  return (
    // The table has the same links, in words and for the keyboard.
    <a href={hashOf({ screen: "projects", project: isChosen ? "" : name })} tabIndex={-1}>
      <title>{name}</title>
      <rect
        className={`project${isChosen ? " is-chosen" : ""}`}
        x={x}
        y={y}
        width={box.width}
        height={box.height}
        rx="6"
      />
      <text x={x + 10} y={y + box.height / 2} dominantBaseline="central">
        {name.length > 22 ? `…${name.slice(-21)}` : name}
      </text>
    </a>
  );
}

function touches({ from, to }: Arrow, chosen: string): boolean {
  return from.name === chosen || to.name === chosen;
}

function pathOf({ from, to }: Arrow): string {
  const [x1, y1] = [from.x + box.width, from.y + box.height / 2];
  const [x2, y2] = [to.x, to.y + box.height / 2];
  // Back to the left: what closes a circle, drawn around.
  const bend = x2 > x1 ? (x2 - x1) / 2 : 40;
  return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}
