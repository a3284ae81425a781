/** A name that's exactly one folder, and none above or below it. */
const folderName = /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/

/**
 * The folder of a service's chunks. It begins with the organization's id. Names that could lead out of it are a bug of
 * the caller.
 */
export const serviceFolder = (key: {
  readonly organizationId: string
  readonly namespace: string
  readonly service: string
}): string => {
  const names = [key.organizationId, key.namespace, key.service]
  for (const name of names) {
    if (!folderName.test(name)) throw new Error(`${JSON.stringify(name)} can't be the name of a service's logs`)
  }
  return names.join("/")
}
