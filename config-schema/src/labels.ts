import { Schema } from "effect"
import { bounds, mapUpTo, quoted, textUpTo } from "./bounds.ts"

const labelPart = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/

const notAKey = (key: string, what: string) =>
  `${quoted(key)} isn't a valid ${what} key. Use a form like "team" or "example.com/team".`
const notALabelValue = (value: string) =>
  `${quoted(value)} isn't a valid label value. Use up to 63 letters, digits, "-", "_" and ".". Start and end with a letter or digit.`

/** The problem with a key: not in Kubernetes' form (`team`, `example.com/team`), or under one of the platform's prefixes. */
export const keyProblem = (key: string, what: "label" | "annotation" | "node label"): string | undefined => {
  const [last, prefix, ...rest] = key.split("/").reverse()
  if (rest.length > 0 || last === undefined || !labelPart.test(last)) return notAKey(key, what)
  if (prefix === undefined) return undefined
  if (what !== "node label" && /(^|\.)(maxcloud\.dev|kubernetes\.io|k8s\.io|knative\.dev)$/.test(prefix))
    return `The platform reserves ${what} keys under "${prefix}/". Use another prefix.`
  return prefix.length <= 253 && /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(prefix) && !prefix.includes("..")
    ? undefined
    : notAKey(key, what)
}

export const LabelValue = textUpTo(bounds.labelValueLength, "The value").pipe(
  Schema.filter((value) => value === "" || labelPart.test(value) || notALabelValue(value), {
    arbitrary: () => (fc) => fc.constantFrom("", "a", "Team-1")
  })
)

/** Custom labels (Kubernetes label syntax). `maxcloud.dev/`, `kubernetes.io/` and `*.knative.dev/` are reserved. */
export const Labels = mapUpTo(
  textUpTo(bounds.labelKeyLength, "The key").pipe(
    Schema.filter((key) => keyProblem(key, "label") ?? true, {
      arbitrary: () => (fc) => fc.constantFrom("team", "cost-center", "example.com/owner")
    })
  ),
  LabelValue,
  bounds.labels,
  "The labels"
)
