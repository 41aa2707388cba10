// Becoming a person with an account, by a link.

/** Opens an invitation and makes the account. */
export async function invited(person, link, { name, password }) {
  const { t } = person
  await person.page.goto(link)
  await person.seeHeading(t('pages.invite_title'))
  await person.inspect('invitation')
  await person.fill(t('pages.user_name'), name)
  await person.fill(t('pages.password'), password)
  await person.fill(t('pages.invite_repeat'), password)
  await person.press(person.button(t('pages.invite_create')))
}
