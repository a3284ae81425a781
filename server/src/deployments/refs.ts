import type { ObjectRef } from "@maxcloud/synth"

const nameOf = (ref: ObjectRef) => `${ref.apiVersion}/${ref.kind}/${ref.name}`

/** Those of `refs` that `others` does not name. */
export const refsWithout = (
  refs: ReadonlyArray<ObjectRef>,
  others: ReadonlyArray<ObjectRef>
): ReadonlyArray<ObjectRef> => {
  const names = new Set(others.map(nameOf))
  return refs.filter((_) => !names.has(nameOf(_)))
}
