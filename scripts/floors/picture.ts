import { type Floor, floors } from "./floors.ts"

const width = 860
const left = 150
const gap = 8
const box = 26
const letter = 7.3

const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")

/** The boxes of one floor, in as many lines as necessary. */
const lines = ({ rooms }: Floor) => {
  const placed: Array<{ readonly name: string; readonly x: number; readonly line: number; readonly size: number }> = []
  let x = left
  let line = 0
  for (const { name } of rooms) {
    const size = Math.ceil(name.length * letter) + 18
    if (x + size > width - 12) {
      x = left
      line += 1
    }
    placed.push({ name, x, line, size })
    x += size + gap
  }
  return { placed, count: line + 1 }
}

/** The server's floors as a house, with the lowest at the bottom. */
export const pictureOf = (): string => {
  const parts: Array<string> = []
  let y = 14
  for (const floor of [...floors].reverse()) {
    const { count, placed } = lines(floor)
    const height = Math.max(46, count * (box + gap) + 14)
    parts.push(
      `<rect class="floor" x="8" y="${y}" width="${width - 16}" height="${height}" rx="4"/>`,
      `<text class="name" x="22" y="${y + 27}">${floor.name}</text>`,
      ...(placed.length === 0
        ? [`<text x="${left}" y="${y + 27}">${escaped(floor.about.replaceAll("`", ""))}</text>`]
        : []),
      ...placed.flatMap((room) => {
        const top = y + 10 + room.line * (box + gap)
        return [
          `<rect class="room" x="${room.x}" y="${top}" width="${room.size}" height="${box}" rx="3"/>`,
          `<text class="in" x="${room.x + room.size / 2}" y="${top + 17}">${room.name}</text>`
        ]
      })
    )
    y += height + 6
  }
  const height = y + 8
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="t d">
<title id="t">The floors of the server</title>
<desc id="d">From the ground up: ${floors.map((floor) => `${floor.name} (${escaped(floor.about.replaceAll("`", ""))})`).join(", ")}. Imports go down, or to a room on the left.</desc>
<style>
text { font: 13px ui-sans-serif, system-ui, sans-serif; fill: #1f2933 }
.name { font-weight: 600 } .in { text-anchor: middle }
.floor { fill: #f3f5f7; stroke: #9aa5b1 } .room { fill: #fff; stroke: #7b8794 }
@media (prefers-color-scheme: dark) { text { fill: #e4e7eb } .floor { fill: #1f2933; stroke: #52606d } .room { fill: #323f4b; stroke: #7b8794 } }
</style>
${parts.join("\n")}
</svg>
`
}

/** The table below the picture. */
export const tableOf = (): string =>
  [
    "| folder | what it is |",
    "|---|---|",
    ...[...floors]
      .reverse()
      .flatMap((floor) => [
        `| **\`${floor.name}\`** | **${floor.about}** |`,
        ...floor.rooms.map((room) => `| \`${floor.name}/${room.name}\` | ${room.about} |`)
      ])
  ].join("\n")

const start = "<!-- floors: written by npm run generate -->"
const end = "<!-- /floors -->"

/** The page with the current table. */
export const renderPage = (page: string): string => {
  const from = page.indexOf(start)
  const to = page.indexOf(end)
  if (from === -1 || to < from)
    throw new Error(`docs/architecture.md lacks "${start}" and "${end}". Write them around the table.`)
  return `${page.slice(0, from + start.length)}\n\n${tableOf()}\n\n${page.slice(to)}`
}
