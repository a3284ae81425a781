import type { ManagedFields } from "./objects.ts"

/** How many shapes to share. */
const maxShapes = 4096

/**
 * Shares one copy of equal `fieldsV1`, which contain names of fields but no values. Objects created by one program mostly have
 * the same ones, and they are most of an object's metadata.
 */
export const makeSharedFields = () => {
  const shapes = new Map<string, unknown>()
  return (managedFields: ReadonlyArray<ManagedFields>): ReadonlyArray<ManagedFields> =>
    managedFields.map((entry) => {
      const written = JSON.stringify(entry.fieldsV1)
      const known = shapes.get(written)
      if (known !== undefined) return { ...entry, fieldsV1: known }
      if (shapes.size === maxShapes) shapes.clear()
      shapes.set(written, entry.fieldsV1)
      return entry
    })
}
