import { createClient, loadConfig, renderProgress } from "@maxcloud/sdk"

const lines = renderProgress()
await createClient().deploy(await loadConfig(), {
  onProgress: (progress) => {
    for (const line of lines(progress)) console.log(line)
  }
})
