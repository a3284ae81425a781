import { existsSync } from "node:fs"
import { delimiter, join } from "node:path"
import type { Environment } from "@maxcloud/sdk/credentials"

/** Whether docker and podman find the helper: they look on the PATH. */
export const findHelper = (env: Environment): boolean => {
  const names = process.platform === "win32" ? ["exe", "cmd"].map((end) => `${program}.${end}`) : [program]
  return (env["PATH"] ?? "")
    .split(delimiter)
    .some((folder) => folder !== "" && names.some((name) => existsSync(join(folder, name))))
}

const program = "docker-credential-maxcloud"
