import { execFile } from "node:child_process"
import { readdir } from "node:fs/promises"
import { promisify } from "node:util"
import { dataDirectoryId } from "../../src/base/host/dataDirectoryId.ts"
import { imageRecordsIn } from "../../src/stores/sources/sourceImages.ts"

/** Removes the images that a server has built from Dockerfiles, which would outlive its data folder. */
export const removeSourceImages = async (dataDirectory: string): Promise<void> => {
  const tags = await readdir(imageRecordsIn(dataDirectory)).catch(() => [])
  if (tags.length === 0) return
  const repository = `localhost/maxcloud-${await dataDirectoryId(dataDirectory)}`
  await promisify(execFile)("podman", ["rmi", "--force", ...tags.map((tag) => `${repository}:${tag}`)])
}
