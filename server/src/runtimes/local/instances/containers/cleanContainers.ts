import { rm } from "node:fs/promises"
import type { ContainerEngine } from "../../../../base/host/containerEngine.ts"
import type { InstanceRecords } from "../InstanceRecords.ts"
import { secretsRoot } from "../starter/startFile.ts"
import { dataDirectoryLabel } from "./labels.ts"
import type { NamespaceNetworks } from "./namespaceNetworks.ts"

/**
 * Removes the containers that an earlier run of the server left, found by their label, and returns how many. Runs after the
 * processes: a surviving client of the engine would create another container.
 */
export const cleanContainers = async (
  records: InstanceRecords,
  dataDirectoryId: string,
  engine: () => Promise<ContainerEngine | undefined>,
  networks: NamespaceNetworks
): Promise<number> => {
  await rm(secretsRoot(dataDirectoryId), { recursive: true, force: true })
  const left = records.all().filter((record) => record.kind === "container")
  if (left.length === 0 && records.damaged() === 0 && !networks.some()) return 0
  const found = await engine()
  // If there is no engine now, the records stay until there is one again.
  if (found === undefined) return 0
  const list = await found.run(["ps", "--all", "--quiet", "--filter", `label=${dataDirectoryLabel}=${dataDirectoryId}`])
  const ids = list.stdout.split("\n").filter((id) => id !== "")
  if (ids.length > 0) {
    await found.run(["stop", "--time", "2", ...ids])
    await found.run(["rm", "--force", "--volumes", ...ids])
  }
  await networks.clean(found)
  if (list.code === 0) for (const record of left) records.remove(record.id)
  return ids.length
}
