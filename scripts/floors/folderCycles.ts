import { dirname } from "node:path"
import { cyclesIn } from "./cyclesIn.ts"

export interface Edge {
  readonly from: string
  readonly to: string
}

const isIn = (folder: string, above: string) => above === "." || folder.startsWith(`${above}/`)

/** The imports of each cycle of folders. A folder and its parent count as one, so imports between them form no cycle. */
export const folderCycles = (edges: ReadonlyArray<Edge>): ReadonlyArray<ReadonlyArray<string>> => {
  const between = edges.filter(({ from, to }) => {
    const [one, other] = [dirname(from), dirname(to)]
    return one !== other && !isIn(one, other) && !isIn(other, one)
  })
  const folders = new Map<string, Set<string>>()
  for (const { from, to } of between) {
    folders.set(dirname(from), (folders.get(dirname(from)) ?? new Set()).add(dirname(to)))
  }
  return cyclesIn(folders).map((group) =>
    between
      .filter(({ from, to }) => group.includes(dirname(from)) && group.includes(dirname(to)))
      .map(({ from, to }) => `${from} imports ${to}`)
  )
}
