import { execFile } from "node:child_process"
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { type Embedded, embedded } from "../src/assembly/index.ts"
import { getByHost } from "./getByHost.ts"
import { missingTools } from "./registry/missingTools.ts"
import { removeSourceImages } from "./registry/removeSourceImages.ts"
import { buildNodeImage } from "./registry/scratchImage.ts"

const baseImage = `localhost/maxcloud-dockerfile-e2e:${process.pid}`

describe.skipIf(missingTools("a deployed Dockerfile", "podman").length > 0)("a deployed Dockerfile", () => {
  let root: string
  let cloud: Embedded
  const write = async (path: string, content: string) => {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), content)
  }
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "maxcloud-dockerfile-"))
    await chmod(root, 0o755)
    await buildNodeImage(baseImage)
    cloud = await embedded({ dataDir: join(root, "data"), inPlace: true })
  })
  afterAll(async () => {
    await cloud[Symbol.asyncDispose]()
    await removeSourceImages(join(root, "data"))
    await promisify(execFile)("podman", ["rmi", "--force", baseImage])
    await rm(root, { recursive: true, force: true })
  })

  it("takes precedence over package.json, listens where it says, and calls a service beside it", async () => {
    await write("api/index.js", `require("http").createServer((_, r) => r.end("from api")).listen(process.env.PORT)`)
    await write("web/package.json", '{"scripts":{"start":"node nothing.js","build":"exit 1"}}')
    await write(
      "web/main.js",
      `require("http").createServer(async (_, r) => r.end(await (await fetch(process.env.API_URL)).text() + " in " + process.cwd())).listen(3000)`
    )
    await write(
      "web/Dockerfile",
      `FROM ${baseImage}\nWORKDIR /srv\nCOPY . .\nEXPOSE 3000\nENTRYPOINT ["/usr/bin/node", "main.js"]\nCMD []\n`
    )
    const { services } = await cloud.client.deploy(
      {
        app: "app",
        services: [
          { name: "api", source: "./api" },
          { name: "web", source: "./web", env: { API_URL: { service: "api", property: "url" } } }
        ]
      },
      { folder: root }
    )
    const url = services.find((service) => service.name === "web")?.url ?? ""
    expect(await getByHost(url)).toEqual({ status: 200, text: "from api in /srv" })
  }, 120_000)

  it("is built in `maxcloud dev` as well, beside a service that runs in place", async () => {
    await write("place/index.js", `require("http").createServer((_, r) => r.end(__dirname)).listen(process.env.PORT)`)
    await write("image/main.js", `require("http").createServer((_, r) => r.end(__dirname)).listen(process.env.PORT)`)
    await write(
      "image/Containerfile",
      `FROM ${baseImage}\nCOPY . /srv\nENTRYPOINT ["/usr/bin/node", "/srv/main.js"]\nCMD []\n`
    )
    const { services } = await cloud.client.deploy(
      {
        app: "dev",
        services: [
          { name: "place", source: "./place" },
          { name: "image", source: "./image" }
        ]
      },
      { folder: root, inPlace: true }
    )
    const textOf = async (name: string) =>
      (await getByHost(services.find((service) => service.name === name)?.url ?? "")).text
    expect(await textOf("place")).toBe(join(root, "place"))
    expect(await textOf("image")).toBe("/srv")
  }, 120_000)
})
