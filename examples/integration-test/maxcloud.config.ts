import { defineConfig, secret, service } from "@maxcloud/sdk/config"

export default defineConfig(() => {
  const web = service("web", {
    source: "./web",
    env: { SESSION_KEY: secret("SESSION_KEY", { generate: 32 }) },
    scale: { max: 1 }
  })
  return { app: "shop", services: [web] }
})
