import { objectKinds, type ServiceName } from "@maxcloud/config-schema"
import { type ObjectRef, secretPrefixOf } from "@maxcloud/synth"

const nameOf = (ref: ObjectRef) => `${ref.apiVersion}/${ref.kind}/${ref.name}`

/** Is the object of this name and kind one of `refs`? */
export const isOneOf = (refs: ReadonlyArray<ObjectRef>) => {
  const names = new Set(refs.map(nameOf))
  return (ref: ObjectRef) => names.has(nameOf(ref))
}

/** The `refs` that aren't in `others`. */
export const refsWithout = (
  refs: ReadonlyArray<ObjectRef>,
  others: ReadonlyArray<ObjectRef>
): ReadonlyArray<ObjectRef> => {
  const isOther = isOneOf(others)
  return refs.filter((ref) => !isOther(ref))
}

/** The `refs` that belong to the services in `gone`, and can't belong to one in `kept`. */
export const refsOfServices = (
  refs: ReadonlyArray<ObjectRef>,
  gone: ReadonlyArray<ServiceName>,
  kept: ReadonlyArray<ServiceName>
): ReadonlyArray<ObjectRef> => {
  const names = new Set<string>(gone)
  const shared = new Set(kept.map(secretPrefixOf))
  const prefixes = gone.map(secretPrefixOf).filter((value) => !shared.has(value))
  // The app's own objects belong to no service, whatever their names.
  const own = new Set<string>(objectKinds)
  return refs.filter(
    ({ kind, name }) => !own.has(kind) && (names.has(name) || prefixes.some((prefix) => name.startsWith(prefix)))
  )
}
