import { editDistance } from "@maxcloud/config-schema/plain"

/** The probably intended candidate, if one is close enough. */
export const suggest = (written: string, candidates: Iterable<string>): string | undefined => {
  let best: { readonly name: string; readonly distance: number } | undefined
  for (const name of candidates) {
    const prefix = written.length >= 3 && name.startsWith(written)
    const distance = prefix ? 0 : editDistance(written, name)
    if (best === undefined || distance < best.distance) best = { name, distance }
  }
  if (best === undefined) return undefined
  return best.distance <= Math.max(1, Math.floor(Math.max(written.length, best.name.length) / 3))
    ? best.name
    : undefined
}
