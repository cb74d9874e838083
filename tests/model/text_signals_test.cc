#include "model/text_signals.h"

#include <gtest/gtest.h>

#include <string>

namespace proctor::model {
namespace {

TEST(SaysNoVisionTest, SeesThatTheModelSawNothing) {
  for (const char* text : {
           "I'm sorry for any confusion, but I cannot directly view images provided via text.",
           "As I cannot view images, I am unable to describe it.",
           "I'm unable to view images directly.",
           "I can’t see the image you provided.",
           "I don't have the ability to see or analyze images.",
           "Unfortunately I am not able to access the attached screenshot.",
           "There is no image attached to your message, so I cannot answer.",
           "I don't see any image attached. Could you upload it?",
           "It looks like no images were provided.",
           "I am a text-based AI model and do not process image content.",
       }) {
    EXPECT_TRUE(SaysNoVision(text)) << text;
  }
}

TEST(SaysNoVisionTest, TakesNoJudgementForIt) {
  for (const char* text : {
           "",
           "The screenshot shows a cart with two items. Status: success",
           "I cannot see the image of a red shoe in the final screenshot, so the item is missing. Status: failure",
           "I cannot see any product in the cart. Status: failure",
           "The agent uploaded no image to the album. Status: failure",
           "The page says: \"I'm unable to load\". The task is not done.",
           "Thoughts: no image of a dog is visible in the results. Status: failure",
           "{\"verdict\": \"I cannot view images\"}",
       }) {
    EXPECT_FALSE(SaysNoVision(text)) << text;
  }
}

TEST(SaysNoVisionTest, LooksAtTheBeginningOnly) {
  EXPECT_FALSE(SaysNoVision(std::string(500, 'x') + " I cannot view images."));
}

TEST(SaysRefusalTest, SeesAnApologyAlone) {
  for (const char* text : {
           "I'm sorry, but I can't assist with that.",
           "I’m sorry, I can’t help with that request.",
           "Sorry, but I cannot fulfill this request.",
           "I cannot assist with identifying people.",
           "I apologize, but I am unable to provide that.",
       }) {
    EXPECT_TRUE(SaysRefusal(text)) << text;
  }
}

TEST(SaysRefusalTest, TakesNoJudgementForIt) {
  for (const char* text : {
           "",
           "Status: failure",
           "The agent said: I'm sorry, but I can't assist with that. Status: failure",
           "I cannot confirm that the item was bought. Status: failure",
           "Sorry page shown. Status: failure",
       }) {
    EXPECT_FALSE(SaysRefusal(text)) << text;
  }
  EXPECT_FALSE(SaysRefusal("I'm sorry, but I can't assist with that. " + std::string(400, 'x')));
}

}  // namespace
}  // namespace proctor::model
