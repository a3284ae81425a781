import { defineConfig, secret, service } from "@maxcloud/sdk/config"

export default defineConfig(({ stage }) => {
  const api = service("api", {
    image: "registry.example.com/shop/api:1",
    env: { DATABASE_URL: secret("DATABASE_URL") },
    scale: { min: stage === "production" ? 1 : 0, max: 5 },
    visibility: "internal"
  })
  const web = service("web", { source: "./web", env: { API_URL: api.url } })
  return { app: "shop", services: [api, web] }
})
