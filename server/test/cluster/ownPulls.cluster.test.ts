import { randomBytes } from "node:crypto"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "@effect/vitest"
import { pullSecretName } from "@maxcloud/synth"
import { Schema } from "effect"
import { decodeJwt } from "jose"
import { kinds } from "../../src/runtimes/kubeApi/kinds.ts"
import { until } from "../contract/requests.ts"
import { describeCluster } from "../kubeApi/testCluster.ts"
import { missingTools } from "../registry/missingTools.ts"
import { type OwnRegistry, planOwnRegistry, startOwnRegistry } from "../registry/ownRegistry.ts"
import { buildNginxImage } from "../registry/scratchImage.ts"
import { namespaceFor, small, startWiredServer, type WiredServer } from "./wiredServer.ts"

const images = [1, 2].map((number) => `localhost/maxcloud-test/own-${number}-${process.pid}:1`)
const PullSecret = Schema.Struct({ data: Schema.Struct({ ".dockerconfigjson": Schema.String }) })
const Logins = Schema.parseJson(
  Schema.Struct({ auths: Schema.Record({ key: Schema.String, value: Schema.Struct({ auth: Schema.String }) }) })
)
const Token = Schema.Struct({ token: Schema.String })

describeCluster("images of the platform's own registry (KUBECONFIG)", () => {
  const missing = missingTools("images of the platform's own registry", "podman", "docker-registry", "nginx")
  let wired: WiredServer
  let registry: OwnRegistry
  let host: string
  let id: string

  beforeAll(async () => {
    if (missing.length > 0) return
    const plan = await planOwnRegistry("1m")
    host = plan.host
    wired = await startWiredServer("own", plan.settings)
    registry = await startOwnRegistry(plan, wired.server.url)
    id = (await wired.server.client.organization.get()).id
    for (const image of images) {
      await buildNginxImage(image, { "/usr/share/nginx/html/once.txt": randomBytes(16).toString("hex") })
    }
  }, 180_000)
  afterAll(async () => {
    await wired?.close()
    await registry?.[Symbol.asyncDispose]()
  }, 60_000)

  const push = (index: number) => {
    const password = readFileSync(join(wired.server.dataDirectory, "local-token"), "utf8").trim()
    return registry.push(images[index] ?? "", `${id}/shop:${index + 1}`, password)
  }
  const appOf = (repository: string) => ({
    app: "shop",
    services: [{ ...small("web"), image: `${host}/${repository}`, port: "auto" as const, scale: { min: 1, max: 1 } }]
  })
  const loginOfNodes = async () => {
    const secret = await wired.admin.get(kinds.secret, namespaceFor(wired.organization, "shop"), pullSecretName)
    const config = Schema.decodeUnknownSync(PullSecret)(secret).data[".dockerconfigjson"]
    const { auths } = Schema.decodeUnknownSync(Logins)(Buffer.from(config, "base64").toString("utf8"))
    return auths[host]?.auth ?? ""
  }
  /** What the token server grants to a node: the `access` claim, or the status of a refusal. */
  const granted = async (login: string, scope: string) => {
    const url = `${registry.realm}?service=${encodeURIComponent(host)}&scope=${encodeURIComponent(scope)}`
    const response = await fetch(url, { headers: { authorization: `Basic ${login}` } })
    const body: unknown = await response.json()
    return response.ok ? decodeJwt(Schema.decodeUnknownSync(Token)(body).token)["access"] : response.status
  }

  it.skipIf(missing.length > 0)(
    "are pulled by pods without stored credentials, before and after their password was replaced",
    async () => {
      await push(0)
      expect((await wired.server.client.deploy(appOf(`${id}/shop:1`))).status.state).toBe("succeeded")
      const seen = [await loginOfNodes()]
      const repository = `repository:${id}/shop`
      expect(await granted(seen[0] ?? "", `${repository}:pull,push`)).toEqual([
        { type: "repository", name: `${id}/shop`, actions: ["pull"] }
      ])
      for (let rotation = 0; rotation < 2; rotation++) {
        seen.push(await until("the password is replaced", loginOfNodes, (login) => !seen.includes(login), 120))
      }
      expect(await granted(seen[0] ?? "", `${repository}:pull`)).toBe(401)
      // An image that the node doesn't have, and one that it has: both ask the registry.
      await push(1)
      expect((await wired.server.client.deploy(appOf(`${id}/shop:2`))).status.state).toBe("succeeded")
      expect((await wired.server.client.deploy(appOf(`${id}/shop:1`))).status.state).toBe("succeeded")
    },
    600_000
  )

  it.skipIf(missing.length > 0)("of other organizations are refused, also if the node already has them", async () => {
    const other = `org_${"2".repeat(32)}`
    await expect(wired.server.client.deploy(appOf(`${other}/shop:1`))).rejects.toMatchObject({
      _tag: "InvalidSpec",
      errors: [{ detail: expect.stringContaining(`${host}/${id}/APP:TAG`) }]
    })
    expect(await granted(await loginOfNodes(), `repository:${other}/shop:pull`)).toEqual([])
  })
})
