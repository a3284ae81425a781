import type { Plan } from "@maxcloud/sdk/api"

const digestOf = (reference: string | null | undefined) =>
  reference == null ? "(unknown)" : reference.slice(reference.indexOf("@") + 1).slice(0, "sha256:".length + 12)

const sorted = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part
  )

const nameIn = (metadata: unknown) =>
  typeof metadata === "object" && metadata !== null && "name" in metadata ? String(metadata.name) : "?"

/** By kind and name. */
const byName = ({ manifests }: Plan) =>
  new Map((manifests ?? []).map((each) => [`${String(each["kind"])}/${nameIn(each["metadata"])}`, sorted(each)]))

const keysOf = (...maps: ReadonlyArray<Readonly<Record<string, unknown>>>) => [
  ...new Set(maps.flatMap((each) => Object.keys(each)))
]

/** The differences between an approved plan and a current plan of the same app, as lines. */
export const planChanges = (approved: Plan, now: Plan): ReadonlyArray<string> => {
  const images = keysOf(approved.images, now.images).flatMap((name) => {
    const [before, after] = [digestOf(approved.images[name]), digestOf(now.images[name])]
    return before === after ? [] : [`image ${name}: ${before} → ${after}`]
  })
  const secrets = keysOf(approved.secretVersions, now.secretVersions).flatMap((name) => {
    const [before, after] = [approved.secretVersions[name], now.secretVersions[name]]
    return before === after ? [] : [`secret ${name}: version ${before ?? "(none)"} → ${after ?? "(none)"}`]
  })
  const [old, made] = [byName(approved), byName(now)]
  // A plan with problems contains no manifests.
  const objects =
    now.manifests === null || approved.manifests === null
      ? []
      : [...new Set([...old.keys(), ...made.keys()])].flatMap((name) => {
          const [before, after] = [old.get(name), made.get(name)]
          if (before === after) return []
          return [`${before === undefined ? "+" : after === undefined ? "-" : "~"} ${name}`]
        })
  return [...images, ...secrets, ...objects, ...now.problems.map(({ detail }) => `problem: ${detail}`)]
}
