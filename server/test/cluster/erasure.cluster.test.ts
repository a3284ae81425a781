import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { createClient } from "@maxcloud/sdk"
import { kinds, pathOf } from "../../src/runtimes/kubeApi/kinds.ts"
import { freePort } from "../freePort.ts"
import { describeCluster } from "../kubeApi/testCluster.ts"
import { ServerProcess } from "../serverProcess.ts"
import { serverKubeconfig } from "./serverKubeconfig.ts"
import { type Admin, namespaceFor, newOrganization, openAdmin, small } from "./wiredServer.ts"

describeCluster("a deleted organization", () => {
  describe("on a cluster, with the server's own rights", () => {
    let admin: Admin
    let server: ServerProcess
    beforeAll(async () => {
      admin = openAdmin()
      server = new ServerProcess(await freePort(), {
        MAXCLOUD_RUNTIME: "kubernetes",
        MAXCLOUD_KUBECONFIG: await serverKubeconfig()
      })
      await server.start()
    }, 120_000)
    afterAll(async () => {
      await server?.end("SIGTERM")
      server?.remove()
      await admin?.close()
    }, 120_000)

    const post = async (path: string, body: unknown, token?: string) => {
      const response = await fetch(`${server.url}/api/v1${path}`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` })
        },
        body: JSON.stringify(body)
      })
      const text = await response.text()
      expect(response.status, text).toBeLessThan(300)
      return JSON.parse(text)
    }

    it("leaves no namespace, and has a certificate that says so", async () => {
      const name = newOrganization("erased")
      const { token } = await post("/auth/register", { email: `owner@${name}.test`, organization: name })
      const client = createClient({ apiUrl: server.url, token })
      await client.deploy({ app: "shop", services: [small("web")] })
      const namespace = () =>
        admin.request({ method: "GET", path: pathOf(kinds.namespace, undefined, namespaceFor(name, "shop")) })
      await namespace()

      const { certificateId } = await post("/organization/deletion", { name, graceDays: 0 }, token)
      const certificate = async () =>
        (await fetch(`${server.url}/api/v1/erasures/${certificateId}`)).json() as Promise<{
          erasedAt: string | null
          stores: ReadonlyArray<{ store: string; count: number }>
        }>
      await expect.poll(async () => (await certificate()).erasedAt, { timeout: 500_000, interval: 1000 }).not.toBeNull()
      await expect(namespace()).rejects.toThrow(/not found/i)
      expect((await certificate()).stores.find((store) => store.store === "runtime")?.count).toBe(1)
      expect(
        (await fetch(`${server.url}/api/v1/services`, { headers: { authorization: `Bearer ${token}` } })).status
      ).toBe(401)
    }, 540_000)
  })
})
