import {
  elementKeys,
  type FieldLeaf,
  type FieldSteps,
  isAllowed,
  leavesOfPatch,
  type ManifestPatch,
  type ManifestRules
} from "@maxcloud/config-schema"
import { isKnativeService } from "./KnativeService.ts"
import type { Manifest } from "./manifest.ts"

type Fields = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const fieldsIn = (value: unknown): Fields => (isObject(value) ? value : {})
const listIn = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : [])

const isNamed = (key: string, name: string) => (element: unknown) => isObject(element) && element[key] === name

/** A copy of the fields with one of them set. */
const withField = <A extends Fields>(fields: A, [step, ...rest]: FieldSteps, value: unknown): A => {
  if (step === undefined) return fields
  const inner = fields[step]
  const key = elementKeys.get(step)
  const [name, ...below] = rest
  if (name === undefined) return { ...fields, [step]: value }
  if (key === undefined) return { ...fields, [step]: withField(fieldsIn(inner), rest, value) }
  const list = listIn(inner)
  const at = list.findIndex(isNamed(key, name))
  const element = below.length === 0 ? value : withField({ [key]: name, ...fieldsIn(list[at]) }, below, value)
  return { ...fields, [step]: at === -1 ? [...list, element] : list.with(at, element) }
}

/** The value of a field; undefined if it isn't set. */
export const fieldAt = (fields: Fields, [step, ...rest]: FieldSteps): unknown => {
  if (step === undefined || !Object.hasOwn(fields, step)) return undefined
  const inner = fields[step]
  const key = elementKeys.get(step)
  const [name, ...below] = rest
  if (name === undefined) return inner
  if (key === undefined) return isObject(inner) ? fieldAt(inner, rest) : undefined
  const element = listIn(inner).find(isNamed(key, name))
  return below.length === 0 ? element : isObject(element) ? fieldAt(element, below) : undefined
}

/** Whether the patch is for this object of a service. A Kubernetes Service isn't a Knative Service. */
const isPatchOf = ({ patch }: ManifestPatch, manifest: Manifest): boolean =>
  patch === "Service" ? isKnativeService(manifest) : manifest.kind === patch

/** The allowed fields of a service's patches for one of its objects. */
export const leavesFor = (
  manifest: Manifest,
  patches: ReadonlyArray<ManifestPatch>,
  rules: ManifestRules
): ReadonlyArray<FieldLeaf> =>
  patches
    .filter((patch) => isPatchOf(patch, manifest))
    .flatMap((patch) => leavesOfPatch(patch).filter(({ steps }) => isAllowed(rules, patch.patch, steps)))

/**
 * Applies the patches of a service to an object, as far as the operator allows them. Objects are merged by key, lists in `elementKeys` by the names of
 * their elements, and other lists are replaced (Kubernetes, "Merge strategy" of server-side apply).
 */
export const patched = (manifest: Manifest, patches: ReadonlyArray<ManifestPatch>, rules: ManifestRules): Manifest =>
  leavesFor(manifest, patches, rules).reduce((result, { steps, value }) => withField(result, steps, value), manifest)
