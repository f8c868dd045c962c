import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { context } from '../client.ts';

const program = path.resolve(import.meta.dirname, 'client.py');

/** What became of one question: the answer, or the class of the error. */
export interface Outcome {
  answer?: unknown;
  error?: string;
  status?: number | null;
  code?: string | null;
}

interface Question {
  url: string;
  key: string;
  /** A function of client.py. */
  what: string;
  prompt: string;
  retries?: number;
}

/** A Python program that asks with one form of the client, one question after the other. */
export interface PythonClient {
  ask(question: Question): Promise<Outcome>;
  /** Makes a question that waits for it leave. */
  leave(): void;
  /** Resolves when the program has ended. */
  close(): Promise<void>;
}

/** @param python the interpreter @param form as client.py names it */
export function pythonClient(python: string, form: string): PythonClient {
  const child = spawn(python, [program, form, context], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    ask: async (question) => {
      child.stdin.write(`${JSON.stringify(question)}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error(`the Python program of ${form} ended`);
      return JSON.parse(value) as Outcome;
    },
    leave: () => child.stdin.write('\n'),
    close: async () => {
      child.stdin.end();
      await exited;
    },
  };
}
