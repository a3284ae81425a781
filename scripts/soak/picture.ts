import type { Sample, Soak } from "./Sample.ts"

interface Curve {
  readonly name: string
  readonly color: string
  readonly of: (sample: Sample) => number
}

interface Panel {
  readonly title: string
  readonly unit: string
  readonly curves: ReadonlyArray<Curve>
}

const blue = "#1f6feb"
const orange = "#bc4c00"

const panels: ReadonlyArray<Panel> = [
  {
    title: "Memory",
    unit: "MiB",
    curves: [
      { name: "server", color: blue, of: (each) => each.serverMiB },
      { name: "database", color: orange, of: (each) => each.databaseMiB }
    ]
  },
  {
    title: "Latency of a request",
    unit: "ms",
    curves: [
      { name: "median", color: blue, of: (each) => each.p50Ms },
      { name: "99th percentile", color: orange, of: (each) => each.p99Ms }
    ]
  },
  { title: "Open descriptors", unit: "", curves: [{ name: "server", color: blue, of: (each) => each.descriptors }] },
  { title: "Instances", unit: "", curves: [{ name: "running", color: blue, of: (each) => each.instances }] },
  { title: "Database rows", unit: "", curves: [{ name: "live", color: blue, of: (each) => each.rows }] },
  {
    title: "Disk",
    unit: "MiB",
    curves: [
      { name: "data folder", color: blue, of: (each) => each.diskMiB },
      { name: "database", color: orange, of: (each) => each.databaseSizeMiB }
    ]
  }
]

const width = 380
const height = 170
const columns = 2
const inner = { left: 52, right: 14, top: 40, bottom: 24 }

/** The end of an axis: the smallest of 1, 2, 5, 10, 20, … that isn't below the value. */
const axisEnd = (value: number): number => {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)))
  return [1, 2, 5, 10].map((each) => each * power).find((each) => each >= value) ?? value
}

const fixed = (value: number) => String(Math.round(value * 10) / 10)

const text = (x: number, y: number, content: string, more = "") =>
  `<text x="${fixed(x)}" y="${fixed(y)}" ${more}>${content}</text>`

const panelOf = ({ curves, title, unit }: Panel, samples: ReadonlyArray<Sample>, index: number): string => {
  const plot = { width: width - inner.left - inner.right, height: height - inner.top - inner.bottom }
  const last = samples.at(-1)?.second ?? 1
  const top = axisEnd(Math.max(...samples.flatMap((sample) => curves.map((curve) => curve.of(sample)))))
  const xOf = (second: number) => inner.left + (second / last) * plot.width
  const yOf = (value: number) => inner.top + plot.height - (value / top) * plot.height
  const lines = [0, 0.5, 1].map((part) => {
    const y = yOf(top * part)
    return `<path class="grid" d="M${inner.left} ${fixed(y)}H${inner.left + plot.width}"/>${text(inner.left - 6, y + 3.5, (top * part).toLocaleString("en"), 'class="small" text-anchor="end"')}`
  })
  const minutes = [0, 0.5, 1].map((part) =>
    text(
      xOf(last * part),
      height - 8,
      `${Math.round((last * part) / 60)} min`,
      `class="small" text-anchor="${part === 1 ? "end" : "middle"}"`
    )
  )
  const drawn = curves.map(({ color, of }) => {
    const points = samples.map((sample) => `${fixed(xOf(sample.second))} ${fixed(yOf(of(sample)))}`)
    return `<path d="M${points.join("L")}" fill="none" stroke="${color}" stroke-width="1.5"/>`
  })
  const names = curves.map(({ color, name }, at) =>
    text(inner.left + at * 110, 32, `<tspan fill="${color}">●</tspan> ${name}`, 'class="small"')
  )
  const heading = text(inner.left, 18, unit === "" ? title : `${title} (${unit})`, 'class="title"')
  const place = `translate(${(index % columns) * width} ${Math.floor(index / columns) * height})`
  return `<g transform="${place}">\n${[heading, ...names, ...lines, ...minutes, ...drawn].join("\n")}\n</g>`
}

/** The curves of a soak as SVG, legible on light and dark pages. */
export const pictureOf = ({ minutes, samples }: Pick<Soak, "minutes" | "samples">): string => {
  const size = { width: width * columns, height: Math.ceil(panels.length / columns) * height }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" role="img" aria-label="Memory, latency, descriptors, instances, rows and disk during ${minutes} minutes of load">
<style>
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.small { font-size: 10px; fill: #59636e }
.grid { stroke: #d1d9e0; stroke-width: 1 }
</style>
<rect width="100%" height="100%" fill="#ffffff"/>
${panels.map((panel, index) => panelOf(panel, samples, index)).join("\n")}
</svg>
`
}
