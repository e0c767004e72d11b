import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PasswordCheck } from '../identity/directory.ts'
import { asked, context, createBench, EMPLOYEES, START } from './login.fixture.ts'

