import { renderConfig } from "@maxcloud/sdk/testing"
import { expect, it } from "vitest"

const render = (stage: string) => renderConfig({ folder: import.meta.dirname, stage })

it("keeps an instance of the API only in production", async () => {
  expect((await render("production")).service("api").scale?.min).toBe(1)
  expect((await render("preview-42")).service("api").scale?.min).toBe(0)
})

it("lets nobody but web call the API", async () => {
  const { manifests, service } = await render("production")
  expect(service("api").visibility).toBe("internal")
  expect(manifests.of("Service", "web").metadata.annotations?.["maxcloud.dev/links"]).toBe("api")
})

it("has no unreviewed changes", async () => {
  const { manifests } = await render("production")
  expect(manifests.ofService("api").map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toMatchInlineSnapshot(`
    [
      "ServiceAccount api",
      "Secret api--9337909bda",
      "NetworkPolicy api",
      "Service api",
    ]
  `)
})
