import type { CacheEntry } from "@maxcloud/server"
import { integerBytes } from "../output/format.ts"
import { age, printTable, type Terminal } from "../output/terminal.ts"

const shownCharacters = 12

export const printCache = (entries: ReadonlyArray<CacheEntry>, terminal: Terminal) => {
  const now = Date.now()
  printTable(
    ["ORGANIZATION", "KIND", "NAME", "SIZE", "AGE", "IN USE"],
    entries.map(({ at, bytes, inUse, kind, name, organization }) => [
      organization.name,
      kind,
      kind === "damaged" ? name.slice(0, 40) : name.slice(0, shownCharacters),
      integerBytes(bytes),
      age(at, now),
      inUse ? "yes" : "no"
    ]),
    terminal
  )
}
