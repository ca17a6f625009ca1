// Every sign on the page, drawn on a 16-unit grid in the colour of the text beside it. Signs never stand alone: words
// or a label carry their meaning too.

const paths = {
  gate: "M3.500 2v12M12.500 2v12M5.500 2h5v5h-5zM4.500 11q1.750-1.500 3.500 0t3.500 0",
  done: "M3 8.500l3.500 3.500L13 4.500",
  left: "M13 8H3M6.5 4L2.5 8l4 4",
  back: "M6.500 3.500L3 7l3.500 3.500M3 7h6.500a3.500 3.500 0 0 1 0 7H7",
  stop: "M4 4l8 8M12 4l-8 8",
  over: "M2.500 4l4 4-4 4M8 4l4 4-4 4M14 3.500v9",
  failed: "M8 2.500v7M8 12.800v.4",
  person: "M8 7.500a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5zM3 14q0-4.500 5-4.500t5 4.500",
  wait: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM8 4.800V8l2.300 1.800",
  watch: "M1.500 8.500h3l2-5 3 9 2-4h3",
  job: "M5 3.200v9.600L12.500 8z",
  skip: "M3 4l5 4-5 4zM9 4l4 4-4 4z",
  pause: "M5.500 3.500v9M10.500 3.500v9",
  hand: "M5 8V4.200a1 1 0 0 1 2 0V7m0-3.800a1 1 0 0 1 2 0V7m0-3a1 1 0 0 1 2 0v4.500M5 8L3.800 6.800a1 1 0 0 0-1.500 1.400L5 12.500Q6 14 8 14q3 0 3-4",
  live: "M8 6.200a1.800 1.800 0 1 0 0 3.600 1.800 1.800 0 0 0 0-3.600zM4.500 4.500a5 5 0 0 0 0 7M11.500 4.500a5 5 0 0 1 0 7",
  lost: "M2.500 2.500l11 11M4.500 4.500a5 5 0 0 0 0 7M11.500 4.500a5 5 0 0 1 .8 5.800M8 8v.2",
  sun: "M8 5.200a2.800 2.800 0 1 0 0 5.600 2.800 2.800 0 0 0 0-5.600zM8 1.500v1.300M8 13.200v1.300M1.500 8h1.300M13.200 8h1.300M3.400 3.400l.9.9M11.700 11.700l.9.9M12.600 3.400l-.9.9M4.300 11.700l-.9.9",
  moon: "M13 9.500A5.500 5.500 0 0 1 6.500 3a5.500 5.500 0 1 0 6.500 6.500z",
  auto: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM8 2v12M8 5h4.800M8 8h6M8 11h4.800",
  unknown: "M5.800 6a2.200 2.200 0 1 1 3.200 2q-1 .6-1 1.700M8 12.800v.3",
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}
