import type { ManagedFields } from "./objects.ts"

/** How many shapes to keep one shared copy of. */
const maxShapes = 4096

/**
 * One copy of equal `fieldsV1`, which hold the names of fields and no values: objects made by one program mostly have the same, and they
 * are the greater part of an object's metadata.
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
