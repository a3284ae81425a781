import { Predicate } from "effect"
import type { ManagedFields } from "../cache/objects.ts"

/** The field manager for everything we apply. */
export const fieldManager = "maxcloud"

/** The field manager that pins a service's requests (`traffic.ts`). It owns `spec.traffic` and nothing else. */
export const trafficManager = "maxcloud-traffic"

/**
 * A field, as the path of steps in `fieldsV1`: `f:<name>`, `k:<keys of a list's element>`, `v:<value of a set>`, `i:<index>`
 * (structured-merge-diff, fieldpath, "serialize").
 */
export type FieldPath = ReadonlyArray<string>

/**
 * The fields that an entry owns. A field owned as a whole, such as an atomic list, has no fields below; `.` (the field itself) is
 * left out.
 */
export const fieldsOf = (fieldsV1: unknown): ReadonlyArray<FieldPath> => {
  const found: Array<FieldPath> = []
  const walk = (tree: unknown, path: FieldPath) => {
    const steps = Predicate.isReadonlyRecord(tree) ? Object.entries(tree).filter(([step]) => step !== ".") : []
    if (steps.length === 0 && path.length > 0) found.push(path)
    for (const [step, below] of steps) walk(below, [...path, step])
  }
  walk(fieldsV1, [])
  return found
}

const json = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const plain = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value))

/** The keys and values in a step `k:{…}`. */
export const keysOf = (step: string): Readonly<Record<string, unknown>> => {
  const keys = json(step.slice(2))
  return Predicate.isReadonlyRecord(keys) ? keys : {}
}

const bracketed = (step: string): string => {
  const written = step.slice(2)
  if (step.startsWith("k:")) {
    const keys = Object.entries(keysOf(step))
    if (keys.length === 1) return keys.map(([, value]) => plain(value)).join("")
    return keys.map(([key, value]) => `${key}=${plain(value)}`).join(",")
  }
  return step.startsWith("v:") ? plain(json(written)) : written
}

/** A readable field path: `spec.template.spec.containers[user-container].image`, `metadata.labels[maxcloud.dev/app]`. */
export const textOf = (path: FieldPath): string =>
  path.reduce((text, step) => {
    const name = step.slice(2)
    if (!step.startsWith("f:") || !/^[A-Za-z_][\w-]*$/.test(name)) return `${text}[${bracketed(step)}]`
    return text === "" ? name : `${text}.${name}`
  }, "")

const beginsWith = (path: FieldPath, start: FieldPath) => start.every((step, at) => path[at] === step)

/** Is one equal to the other or part of it? A field owned as a whole includes everything below it. */
const touches = (a: FieldPath, b: FieldPath) => (a.length < b.length ? beginsWith(b, a) : beginsWith(a, b))

/** Fields that don't overlap with any of the others. */
export const without = (fields: ReadonlyArray<FieldPath>, others: ReadonlyArray<FieldPath>): ReadonlyArray<FieldPath> =>
  fields.filter((field) => !others.some((other) => touches(field, other)))

/**
 * The fields that can be removed as a whole without touching anything that stays, such as an entirely foreign map: for each field
 * its shortest prefix that no remaining field begins with. Never the whole map of labels or annotations, because anyone may set
 * some of them.
 */
export const removable = (
  fields: ReadonlyArray<FieldPath>,
  kept: ReadonlyArray<FieldPath>
): ReadonlyArray<FieldPath> => {
  const tops = new Map<string, FieldPath>()
  for (const field of without(fields, kept)) {
    const alone = field.findIndex((_, at) => !kept.some((other) => beginsWith(other, field.slice(0, at + 1))))
    const top = field.slice(0, Math.max(alone + 1, field[0] === "f:metadata" ? 3 : 1))
    tops.set(JSON.stringify(top), top)
  }
  return [...tops.values()]
}

/** Our entry. An entry of the same manager from an `Update` instead of an apply belongs to somebody who borrowed the name. */
export const ownEntry = (entries: ReadonlyArray<ManagedFields>): ManagedFields | undefined =>
  entries.find((entry) => entry.manager === fieldManager && entry.operation === "Apply" && entry.subresource === "")

const semantic =
  /^(?:maxcloud\.dev|(?:[\w-]+\.)*knative\.dev|pod-security\.kubernetes\.io)\/|^app\.kubernetes\.io\/(?:managed-by|name|part-of)$/
/** Written by Knative's webhook in the name of the request's sender (knative/serving, pkg/apis/serving). */
const webhook = new Set(["serving.knative.dev/creator", "serving.knative.dev/lastModifier"])

/**
 * May others set this field on our objects? Labels and annotations without meaning to us, Knative or Pod Security; what
 * controllers add to a ServiceAccount (`secrets`, `imagePullSecrets`) and to a Namespace (`spec`). None of these change what
 * runs.
 */
const free = (kind: string, path: FieldPath): boolean => {
  const [first, second, third] = path
  if (first === "f:metadata") {
    if ((second !== "f:labels" && second !== "f:annotations") || third === undefined) return true
    const key = third.slice(2)
    return !semantic.test(key) || webhook.has(key)
  }
  return kind === "ServiceAccount" ? first !== "f:automountServiceAccountToken" : kind === "Namespace"
}

export const isTrafficField = ([first, second]: FieldPath): boolean => first === "f:spec" && second === "f:traffic"

export interface ForeignFields {
  readonly manager: string
  readonly fields: ReadonlyArray<FieldPath>
}

/**
 * The fields that others own on one of our objects without permission: we don't own them, and not everyone may set them. Entries
 * of subresources are skipped by their subresource, never by a manager's name, which anyone can use. The API server accepts only
 * status in a request to `status` (as from Knative's controller and the quota's), and only finalizers in a namespace's
 * `finalize`.
 */
export const foreignFields = (kind: string, entries: ReadonlyArray<ManagedFields>): ReadonlyArray<ForeignFields> => {
  const own = ownEntry(entries)
  const ours = own === undefined ? [] : fieldsOf(own.fieldsV1)
  return entries.flatMap((entry) => {
    if (entry === own || entry.subresource === "status" || entry.subresource === "finalize") return []
    const isTraffic = (value: FieldPath) => entry.manager === trafficManager && isTrafficField(value)
    const fields = without(fieldsOf(entry.fieldsV1), ours).filter(
      (value) => value[0] !== "f:status" && !free(kind, value) && !isTraffic(value)
    )
    return fields.length === 0 ? [] : [{ manager: entry.manager, fields }]
  })
}

/** Controllers of Kubernetes and Knative, which write to objects of everybody. The names only shorten a list. */
const controllers = new Set([
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
  "kubelet",
  "cloud-controller-manager",
  "controller",
  "webhook"
])

export interface AllowedFields extends ForeignFields {
  /** RFC 3339; empty if unknown. */
  readonly time: string
}

/** The counterpart of `foreignFields`: what others added that everyone may set. */
export const allowedFields = (kind: string, entries: ReadonlyArray<ManagedFields>): ReadonlyArray<AllowedFields> => {
  const own = ownEntry(entries)
  const ours = own === undefined ? [] : fieldsOf(own.fieldsV1)
  return entries.flatMap((entry) => {
    if (entry === own || entry.subresource !== "" || controllers.has(entry.manager)) return []
    const fields = without(fieldsOf(entry.fieldsV1), ours).filter(
      (value) => free(kind, value) && !webhook.has(value[2]?.slice(2) ?? "")
    )
    return fields.length === 0 ? [] : [{ manager: entry.manager, fields, time: entry.time }]
  })
}

const escaped = (token: string) => token.replaceAll("~", "~0").replaceAll("/", "~1")

const indexOf = (list: ReadonlyArray<unknown>, step: string): number => {
  if (step.startsWith("i:")) return Number(step.slice(2))
  if (step.startsWith("v:")) {
    const value = JSON.stringify(json(step.slice(2)))
    return list.findIndex((each) => JSON.stringify(each) === value)
  }
  const keys = Object.entries(keysOf(step))
  return list.findIndex(
    (item) =>
      Predicate.isReadonlyRecord(item) &&
      keys.every(([key, value]) => JSON.stringify(item[key]) === JSON.stringify(value))
  )
}

/** The JSON Pointer of a field in an object (RFC 6901); undefined if the object lacks it. */
export const pointerOf = (object: unknown, path: FieldPath): string | undefined => {
  let at = object
  let pointer = ""
  for (const step of path) {
    if (step.startsWith("f:")) {
      const name = step.slice(2)
      if (!Predicate.isReadonlyRecord(at) || !Object.hasOwn(at, name)) return undefined
      at = at[name]
      pointer += `/${escaped(name)}`
    } else {
      if (!Array.isArray(at)) return undefined
      const index = indexOf(at, step)
      if (index < 0 || index >= at.length) return undefined
      at = at[index]
      pointer += `/${index}`
    }
  }
  return pointer
}

/**
 * A JSON patch that removes these fields (RFC 6902), later elements of a list first, and only if the object still has this
 * version.
 */
export const removals = (object: unknown, resourceVersion: string, fields: ReadonlyArray<FieldPath>) => {
  const pointers = fields.flatMap((field) => pointerOf(object, field) ?? [])
  const byIndexDown = [...pointers].sort((a, b) => b.localeCompare(a, "en", { numeric: true }))
  return [
    { op: "test", path: "/metadata/resourceVersion", value: resourceVersion },
    ...byIndexDown.map((path) => ({ op: "remove", path }))
  ]
}
