import { objectKinds, type ServiceName } from "@maxcloud/config-schema"
import { type ObjectRef, secretPrefixOf } from "@maxcloud/synth"

const nameOf = (ref: ObjectRef) => `${ref.apiVersion}/${ref.kind}/${ref.name}`

/** Those of `refs` that `others` does not name. */
export const refsWithout = (
  refs: ReadonlyArray<ObjectRef>,
  others: ReadonlyArray<ObjectRef>
): ReadonlyArray<ObjectRef> => {
  const names = new Set(others.map(nameOf))
  return refs.filter((ref) => !names.has(nameOf(ref)))
}

/** Those of `refs` that are objects of the services `gone`, and can't be of one of `kept`. */
export const refsOfServices = (
  refs: ReadonlyArray<ObjectRef>,
  gone: ReadonlyArray<ServiceName>,
  kept: ReadonlyArray<ServiceName>
): ReadonlyArray<ObjectRef> => {
  const names = new Set<string>(gone)
  const shared = new Set(kept.map(secretPrefixOf))
  const prefixes = gone.map(secretPrefixOf).filter((value) => !shared.has(value))
  // Objects of the app's own are no service's, whatever their names.
  const own = new Set<string>(objectKinds)
  return refs.filter(
    ({ kind, name }) => !own.has(kind) && (names.has(name) || prefixes.some((prefix) => name.startsWith(prefix)))
  )
}
