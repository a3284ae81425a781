import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { mkdir, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"

export const rclone = [
  ...(process.env["PATH"] ?? "").split(":"),
  process.env["GOBIN"] ?? "",
  join(process.env["HOME"] ?? "", "go/bin")
]
  .map((part) => join(part, "rclone"))
  .find((part) => existsSync(part))

/** An S3 server of its own on a free port of loopback, with the bucket `logs`. */
export const startS3 = async () => {
  const directory = await mkdtemp(join(tmpdir(), "maxcloud-s3-"))
  await mkdir(join(directory, "logs"))
  const credentials = { accessKeyId: "tester", secretAccessKey: "not-a-secret" }
  const server = spawn(
    rclone ?? "rclone",
    ["serve", "s3", directory, "--addr", "127.0.0.1:0", "--auth-key", Object.values(credentials).join(","), "-v"],
    { stdio: ["ignore", "ignore", "pipe"] }
  )
  const endpoint = await new Promise<string>((resolve, reject) => {
    server.once("exit", (code) => reject(new Error(`rclone ended with exit code ${code}`)))
    server.once("error", reject)
    createInterface({ input: server.stderr }).on("line", (line) => {
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(line)
      if (found !== null) resolve(found[0])
    })
  })
  return {
    bucket: "logs",
    credentials,
    endpoint,
    /** The settings of a server that keeps its logs there. */
    environment: {
      MAXCLOUD_LOGS: "s3",
      MAXCLOUD_LOGS_S3_BUCKET: "logs",
      MAXCLOUD_LOGS_S3_ENDPOINT: endpoint,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey
    },
    end: async () => {
      server.removeAllListeners("exit")
      server.kill()
      await rm(directory, { recursive: true, force: true })
    }
  }
}
