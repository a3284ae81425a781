import { defineConfig, secret, service } from "@maxcloud/sdk/config"

export default defineConfig(() => {
  const api = service("api", { source: "./api", env: { DATABASE_URL: secret("DATABASE_URL") } })
  const web = service("web", { image: "docker.io/library/nginx:1.27", port: 80, env: { API_URL: api.url } })
  return { app: "shop", services: [api, web] }
})
