import { defineConfig, service } from "@maxcloud/sdk/config"

export default defineConfig(({ git, stage }) => {
  const web = service("web", { source: "./web", env: { GREETING: `${stage} of ${git?.commit ?? "no commit"}` } })
  return { app: "shop", services: [web], outputs: { url: web.publicUrl } }
})
