import { mkdtempSync, rmSync } from "node:fs"
import { readFile, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect, it } from "@effect/vitest"
import { describeCluster } from "../kubeApi/testCluster.ts"
import { startCommand } from "./commandLine.ts"
import { serverKubeconfig } from "./serverKubeconfig.ts"

const folder = mkdtempSync(join(tmpdir(), "maxcloud-kubeconfigs-"))
const selfSigned = Buffer.from(
  `-----BEGIN CERTIFICATE-----
MIIBBTCBrAIBATAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARnb25lMB4XDTIwMDEw
MTAwMDAwMFoXDTIwMDEwMjAwMDAwMFowDzENMAsGA1UEAwwEZ29uZTBZMBMGByqG
SM49AgEGCCqGSM49AwEHA0IABHqUyCR1xpMrCJRrQFvdQcRjo6W9Y5bvy9ofw2b1
Rf773yxxa2g+wFTygzZukTsr6RPvLiz0FpRFrevUOkrcPk8wCgYIKoZIzj0EAwID
SAAwRQIgf46pqeA6gE5masvKhP7MkAOFQnPOCejIKp4/sKcn5S0CIQC4VS3RL56M
J70tG+s1WEYoo+CtyTl/0GsG8uSF0jMI0Q==
-----END CERTIFICATE-----
`
).toString("base64")

interface Wrong {
  readonly name: string
  readonly change: (text: string) => string
  readonly args?: ReadonlyArray<string>
  readonly says: RegExp
}

const wrong: ReadonlyArray<Wrong> = [
  {
    name: "a refused token",
    change: (each) => each.replace(/"token": "[^"]+"/, '"token": "s3same"'),
    says: /refuses the credentials of \S+ \(401\)/
  },
  {
    name: "another authority",
    change: (each) =>
      each.replace(/"certificate-authority-data": "[^"]+"/, `"certificate-authority-data": "${selfSigned}"`),
    says: /isn't signed by the authority/
  },
  {
    name: "a missing context",
    change: (value) => value,
    args: ["--context", "nope"],
    says: /has no context nope/
  },
  {
    name: "an unknown name",
    change: (each) => each.replace(/"server": "[^"]+"/, '"server": "https://nowhere.invalid:6443"'),
    says: /nowhere\.invalid:6443 is unreachable/
  },
  { name: "a file that isn't a kubeconfig", change: () => "hello", says: /isn't a kubeconfig/ }
]

describeCluster("`maxcloud server` with a wrong kubeconfig (KUBECONFIG)", () => {
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  // One after another, on one data folder: its database is created once.
  it.each(wrong)(
    "$name: exits with 1 and one line that says so",
    async ({ args = [], change, says }) => {
      const path = join(folder, "config")
      await writeFile(path, change(await readFile(await serverKubeconfig(), "utf8")), { mode: 0o600 })
      const { code, stderr } = await startCommand(
        ["server", "--port", "0", "--data-dir", join(folder, "data"), "--kubeconfig", path, ...args],
        { MAXCLOUD_LOG_LEVEL: "warning", MAXCLOUD_LOG: "json" }
      ).ended
      expect(code, stderr).toBe(1)
      expect(stderr.trim().split("\n"), stderr).toHaveLength(1)
      expect(stderr).toMatch(says)
      expect(stderr).toContain(path)
      expect(stderr).not.toContain("s3same")
    },
    60_000
  )
})
