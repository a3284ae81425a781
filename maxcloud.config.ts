import { defineConfig, service } from "@maxcloud/sdk/config"

export default defineConfig(({ stage }) => {
  const hello = service("hello", { source: "./examples/hello", env: { TARGET: stage } })
  const api = service("api", {
    source: "./examples/shop/api",
    env: { CURRENCY: "EUR" },
    visibility: "internal",
    probes: { readiness: { path: "/healthz" } },
    scale: { min: 0, max: 5, concurrency: 20 }
  })
  const web = service("web", { source: "./examples/shop/web", env: { API_URL: api.url } })
  return { app: "examples", services: [hello, api, web] }
})
