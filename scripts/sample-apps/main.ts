#!/usr/bin/env node
import { startSampleApps } from './start-sample-apps.ts'

const apps = await startSampleApps()
process.stdout.write(`${JSON.stringify(apps.urls)}\n`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void apps.close())
