import { z } from "zod";

const answerSchema = z.object({
  id: z.string(),
  messages: z.array(z.object({ photoId: z.string().optional(), bytesTransferred: z.number() })),
});

/** The part of a poll's answer that is read here. */
export type PollAnswer = z.infer<typeof answerSchema>;

/** Null: it is something else. */
export function pollAnswerOf(body: string): PollAnswer | null {
  try {
    return answerSchema.parse(JSON.parse(body));
  } catch {
    return null;
  }
}
